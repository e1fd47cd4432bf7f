package rpc

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

func (t *testServer) result(v any, method, params string) {
	t.tb.Helper()
	answer := t.ask(method, params)
	text, ok := strings.CutPrefix(answer, `"result":`)
	if !ok {
		t.tb.Fatalf("%s%s: got %s", method, params, answer)
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.tb.Fatal(err)
	}
}

func (t *testServer) install(method, params string) string {
	t.tb.Helper()
	var id string
	t.result(&id, method, params)
	return `["` + id + `"]`
}

type loggedData struct {
	Data        string
	BlockHash   common.Hash
	BlockNumber string
}

func TestLogFilter(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{})
	f.mine(signTx(t, f, 7, []byte{1}))
	id := s.install("eth_newFilter", `[{"fromBlock":"0x0"}]`)
	s.check("eth_getFilterChanges", id, `"result":[]`)
	mini := f.mine(signTx(t, f, 8, []byte{2}))
	f.mine()
	var logs []loggedData
	s.result(&logs, "eth_getFilterChanges", id)
	if len(logs) != 1 || logs[0].Data != "0x02" || logs[0].BlockHash != mini {
		t.Errorf("in the open block: got %+v", logs)
	}
	f.mine(signTx(t, f, 9, []byte{3}))
	sealed := f.seal()
	f.mine(signTx(t, f, 10, []byte{4}))
	s.result(&logs, "eth_getFilterChanges", id)
	if len(logs) != 2 || logs[0].Data != "0x03" || logs[0].BlockHash != sealed || logs[1].BlockNumber != "0x2" {
		t.Errorf("over a seal: got %+v", logs)
	}
	s.check("eth_getFilterChanges", id, `"result":[]`)
	s.result(&logs, "eth_getFilterLogs", id)
	if len(logs) != 4 {
		t.Errorf("all logs of the filter: got %+v", logs)
	}
	bounded := s.install("eth_newFilter", `[{"fromBlock":"0x0","toBlock":"0x2"}]`)
	f.seal()
	f.mine(signTx(t, f, 11, []byte{5}))
	s.check("eth_getFilterChanges", bounded, `"result":[]`)
	s.check("eth_uninstallFilter", id, `"result":true`)
	s.check("eth_getFilterChanges", id, `"error":{"code":-32000,"message":"filter not found"}`)
}

func TestBlockAndPendingFilters(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{})
	blocks := s.install("eth_newBlockFilter", `[]`)
	pending := s.install("eth_newPendingTransactionFilter", `[]`)
	full := s.install("eth_newPendingTransactionFilter", `[true]`)
	tx := signTx(t, f, 7, nil)
	s.ask("eth_sendRawTransaction", `["`+rawHex(t, tx)+`"]`)
	eventually(t, "the event is there", func() bool { return s.hub.pending.next() == 1 })
	s.check("eth_getFilterChanges", pending, `"result":["`+tx.Hash().Hex()+`"]`)
	s.check("eth_getFilterChanges", pending, `"result":[]`)
	var txs []struct{ Hash common.Hash }
	s.result(&txs, "eth_getFilterChanges", full)
	if len(txs) != 1 || txs[0].Hash != tx.Hash() {
		t.Errorf("whole transactions: got %+v", txs)
	}
	f.mine(tx)
	s.check("eth_getFilterChanges", blocks, `"result":[]`)
	first := f.seal()
	f.mine()
	second := f.seal()
	s.check("eth_getFilterChanges", blocks, `"result":["`+first.Hex()+`","`+second.Hex()+`"]`)
	s.check("eth_getFilterChanges", blocks, `"result":[]`)
	s.check("eth_getFilterLogs", blocks, `"error":{"code":-32000,"message":"filter not found"}`)
}

func TestFilterTable(t *testing.T) {
	now := time.Unix(0, 0)
	table := newFilterTable(2, time.Minute)
	table.now = func() time.Time { return now }
	install := func() (string, error) { return table.install(&filter{}) }
	old, _ := install()
	young, _ := install()
	if _, err := install(); err == nil {
		t.Error("three filters in a table of two")
	}
	now = now.Add(50 * time.Second)
	if _, err := table.get(young); err != nil {
		t.Error(err)
	}
	now = now.Add(50 * time.Second)
	if _, err := table.get(old); err == nil {
		t.Error("a filter that nobody asked is still there")
	}
	if _, err := install(); err != nil {
		t.Errorf("an expired filter takes room: %v", err)
	}
	if !table.remove(young) || table.remove(young) {
		t.Error("remove must say whether the filter was there")
	}
}

func TestPendingRing(t *testing.T) {
	f := newFakeBackend()
	ring := newPendingRing(4)
	for nonce := range uint64(6) {
		ring.add([]*types.Transaction{signTx(t, f, nonce, nil)})
	}
	hashes, next := ring.since(0)
	if len(hashes) != 4 || next != 6 || hashes[3] != signTx(t, f, 5, nil).Hash() {
		t.Errorf("got %v, %d; want the last four", hashes, next)
	}
	if hashes, _ = ring.since(6); len(hashes) != 0 {
		t.Errorf("got %v; want nothing new", hashes)
	}
}

func TestLogLimits(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{MaxLogs: 2, MaxLogBlocks: 3})
	for i := range uint64(4) {
		f.mine(signTx(t, f, 7+i, nil))
		f.seal()
	}
	s.check("eth_getLogs", `[{"fromBlock":"0x1","toBlock":"0x4"}]`, `"error":{"code":-32602,"message":"exceed maximum block range 3"}`)
	s.check("eth_getLogs", `[{"fromBlock":"0x1","toBlock":"0x3"}]`, `"error":{"code":-32005,"message":"query returned more than 2 results"}`)
	s.check("eth_getLogs", `[{"fromBlock":"0x1","toBlock":"0x3","address":"0x1111111111111111111111111111111111111111"}]`, `"result":[]`)
	s.check("eth_getLogs", `[{"fromBlock":"earliest","toBlock":"safe","topics":[null,[]]}]`, `"error":{"code":-32602,"message":"exceed maximum block range 3"}`)
}

// positionFilter is the filter of a block that has logs with one topic, in one
// position.
type positionFilter struct {
	position int
	topic    common.Hash
}

func (positionFilter) Address(addr common.Address) bool { return addr == testTarget }
func (f positionFilter) Topic(position int, topic common.Hash) bool {
	return position == f.position && topic == f.topic
}

// TestLogSearchReads counts what a search reads of three sealed blocks, of which
// the first two have filters, and of the open one.
func TestLogSearchReads(t *testing.T) {
	f := newFakeBackend()
	for i := range uint64(4) {
		f.mine(signTx(t, f, 7+i, nil))
		if i < 3 {
			f.seal()
		}
	}
	f.filters = map[uint64]LogFilter{1: positionFilter{0, testTopic}, 2: positionFilter{1, testTopic}}
	s := startServer(t, f, Config{})
	check := func(filter string, logs int, headersRead, blocksRead int64) {
		t.Helper()
		f.headersRead.Store(0)
		f.blocksRead.Store(0)
		var got []types.Log
		s.result(&got, "eth_getLogs", `[{"fromBlock":"0x1","toBlock":"0x4",`+filter+`}]`)
		if len(got) != logs || f.headersRead.Load() != headersRead || f.blocksRead.Load() != blocksRead {
			t.Errorf("%s: got %d logs from %d headers and %d blocks; want %d from %d and %d", filter,
				len(got), f.headersRead.Load(), f.blocksRead.Load(), logs, headersRead, blocksRead)
		}
	}
	check(`"address":"`+testTarget.Hex()+`"`, 4, 2, 4)
	check(`"address":"`+testSender.Hex()+`"`, 0, 2, 1) // the open block
	check(`"topics":["`+testTopic.Hex()+`"]`, 3, 2, 3) // block 2 has a filter that denies it
	check(`"topics":[null,"`+testTopic.Hex()+`"]`, 0, 2, 3)
}
