package rpc

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

func TestOverridesReachTheBackend(t *testing.T) {
	f := newFakeBackend()
	var got *CallRequest
	f.call = recordCall(&got)
	s := startServer(t, f, Config{})
	s.check("eth_call", `[{"data":"0x01","input":"0x02"},{"blockHash":"0x`+f.mu.blocks[0].Hash.Hex()[2:]+`","requireCanonical":true},
		{"0x71562b71999873db5b286df957af199ec94617f7":{"nonce":"0x1","balance":"0x2","code":"0x","stateDiff":{"0x`+common.Hash{1}.Hex()[2:]+`":"0x`+common.Hash{2}.Hex()[2:]+`"}}},
		{"number":"0x5","time":"0x6","gasLimit":"0x7","feeRecipient":"0x71562b71999873db5b286df957af199ec94617f7","baseFeePerGas":"0x8","blobBaseFee":"0x9","difficulty":"0x0"}]`,
		`"result":"0x02"`)
	if got.Block != ByHash(f.mu.blocks[0].Hash) || got.Msg.Gas != 0 || got.GasCap == 0 {
		t.Errorf("got %+v", got)
	}
	account := got.Accounts[testSender]
	if *account.Nonce != 1 || account.Balance.Uint64() != 2 || account.Code == nil || len(account.Code) != 0 ||
		account.Storage != nil || account.StorageDiff[common.Hash{1}] != (common.Hash{2}) {
		t.Errorf("got account %+v", account)
	}
	h := got.Header
	if h.Number.Uint64() != 5 || *h.Timestamp != 6 || *h.GasLimit != 7 || *h.Coinbase != testSender ||
		h.BaseFee.Uint64() != 8 || h.BlobBaseFee.Uint64() != 9 || h.Random != nil {
		t.Errorf("got header %+v", h)
	}
}

func TestParseBlock(t *testing.T) {
	hash := common.Hash{1}
	for text, want := range map[string]BlockRef{
		`"latest"`:                           Latest(),
		`"pending"`:                          {Tag: TagPending},
		`"safe"`:                             {Tag: TagSafe},
		`"finalized"`:                        {Tag: TagFinalized},
		`"earliest"`:                         {Tag: TagEarliest},
		`"0x0"`:                              ByNumber(0),
		`"0x10"`:                             ByNumber(16),
		`"` + hash.Hex() + `"`:               ByHash(hash),
		`{"blockNumber":"0x10"}`:             ByNumber(16),
		`{"blockNumber":"safe"}`:             {Tag: TagSafe},
		`{"blockHash":"` + hash.Hex() + `"}`: ByHash(hash),
	} {
		if got, err := parseBlock([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		`"0x8000000000000000"`:  "blocknumber too high",
		`"0x10000000000000000"`: "hex number > 64 bits",
		`"16"`:                  "hex string without 0x prefix",
		`""`:                    "empty hex string",
		`16`:                    "json: cannot unmarshal number into Go value of type string",
		`[]`:                    "json: cannot unmarshal array into Go value of type string",
		`{"blockNumber":"0x1","blockHash":"` + hash.Hex() + `"}`: "cannot specify both BlockHash and BlockNumber, choose one or the other",
	} {
		if _, err := parseBlock([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v; want %s", text, err, want)
		}
	}
}
