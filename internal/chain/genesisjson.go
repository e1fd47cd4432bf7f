package chain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
)

// ParseGenesis reads go-ethereum's genesis JSON, with an optional section
// config.redline, and checks that Redline can run the chain. Errors name the
// field.
func ParseGenesis(data []byte) (*Genesis, error) {
	var dec genesisJSON
	if err := json.Unmarshal(data, &dec); err != nil {
		field, err := blameGenesis(data, err)
		if field == "" {
			return nil, fmt.Errorf("cannot read genesis: %w", err)
		}
		return nil, fmt.Errorf("cannot read genesis: %s: %w", field, err)
	}
	if err := dec.checkRequired(); err != nil {
		return nil, fmt.Errorf("cannot read genesis: %w", err)
	}
	g := dec.genesis()
	if err := g.Check(); err != nil {
		return nil, fmt.Errorf("cannot use genesis: %w", err)
	}
	return g, nil
}

// MarshalJSON writes what ParseGenesis reads.
func (g *Genesis) MarshalJSON() ([]byte, error) {
	enc := genesisJSON{
		Config:        configJSON{ChainConfig: g.Config},
		Nonce:         (*math.HexOrDecimal64)(&g.Nonce),
		Timestamp:     (*math.HexOrDecimal64)(&g.Timestamp),
		ExtraData:     (*hexutil.Bytes)(&g.ExtraData),
		GasLimit:      (*math.HexOrDecimal64)(&g.GasLimit),
		Difficulty:    (*math.HexOrDecimal256)(g.Difficulty),
		Mixhash:       &g.Mixhash,
		Coinbase:      &g.Coinbase,
		Alloc:         make(map[common.UnprefixedAddress]types.Account, len(g.Alloc)),
		GasUsed:       (*math.HexOrDecimal64)(&g.GasUsed),
		ParentHash:    &g.ParentHash,
		BaseFee:       (*math.HexOrDecimal256)(g.BaseFee),
		ExcessBlobGas: (*math.HexOrDecimal64)(&g.ExcessBlobGas),
		BlobGasUsed:   (*math.HexOrDecimal64)(&g.BlobGasUsed),
	}
	if own := (redlineJSON{Sequencer: g.Sequencer, limitsJSON: limitsJSON(g.Limits)}); own != (redlineJSON{}) {
		enc.Config.Redline = &own
	}
	for addr, account := range g.Alloc {
		enc.Alloc[common.UnprefixedAddress(addr)] = account
	}
	return json.Marshal(&enc)
}

// genesisJSON is the JSON form of a Genesis. Members are pointers, because each
// may be null, which is the same as absent.
type genesisJSON struct {
	Config     configJSON                                 `json:"config"`
	Nonce      *math.HexOrDecimal64                       `json:"nonce"`
	Timestamp  *math.HexOrDecimal64                       `json:"timestamp"`
	ExtraData  *hexutil.Bytes                             `json:"extraData"`
	GasLimit   *math.HexOrDecimal64                       `json:"gasLimit"`
	Difficulty *math.HexOrDecimal256                      `json:"difficulty"`
	Mixhash    *common.Hash                               `json:"mixHash"`
	Coinbase   *common.Address                            `json:"coinbase"`
	Alloc      map[common.UnprefixedAddress]types.Account `json:"alloc"`

	Number        *math.HexOrDecimal64  `json:"number,omitempty"`
	GasUsed       *math.HexOrDecimal64  `json:"gasUsed"`
	ParentHash    *common.Hash          `json:"parentHash"`
	BaseFee       *math.HexOrDecimal256 `json:"baseFeePerGas"`
	ExcessBlobGas *math.HexOrDecimal64  `json:"excessBlobGas"`
	BlobGasUsed   *math.HexOrDecimal64  `json:"blobGasUsed"`
}

type configJSON struct {
	*params.ChainConfig
	Redline *redlineJSON `json:"redline,omitempty"`
}

type redlineJSON struct {
	Sequencer common.Address `json:"sequencer,omitzero"`
	limitsJSON
}

type limitsJSON struct {
	MiniBlockMs   uint64 `json:"miniBlockMs,omitempty"`
	CodeSizeLimit uint64 `json:"codeSizeLimit,omitempty"`
	TxGasLimit    uint64 `json:"txGasLimit,omitempty"`
}

// UnmarshalJSON refuses members that it does not know: this section is read by
// Redline alone, so that such a member is a mistake.
func (r *redlineJSON) UnmarshalJSON(data []byte) error {
	type plain redlineJSON
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*plain)(r))
}

func (dec *genesisJSON) checkRequired() error {
	for _, member := range []struct {
		name    string
		missing bool
	}{
		{"config", dec.Config.ChainConfig == nil},
		{"gasLimit", dec.GasLimit == nil},
		{"difficulty", dec.Difficulty == nil},
		{"alloc", dec.Alloc == nil},
	} {
		if member.missing {
			return fmt.Errorf("%s: is missing", member.name)
		}
	}
	if number := orZero(dec.Number); number != 0 {
		return fmt.Errorf("number: got %d; want 0", uint64(number))
	}
	return nil
}

func (dec *genesisJSON) genesis() *Genesis {
	g := &Genesis{
		Config:        dec.Config.ChainConfig,
		Nonce:         uint64(orZero(dec.Nonce)),
		Timestamp:     uint64(orZero(dec.Timestamp)),
		ExtraData:     orZero(dec.ExtraData),
		GasLimit:      uint64(*dec.GasLimit),
		Difficulty:    (*big.Int)(dec.Difficulty),
		Mixhash:       orZero(dec.Mixhash),
		Coinbase:      orZero(dec.Coinbase),
		Alloc:         make(types.GenesisAlloc, len(dec.Alloc)),
		GasUsed:       uint64(orZero(dec.GasUsed)),
		ParentHash:    orZero(dec.ParentHash),
		BaseFee:       (*big.Int)(dec.BaseFee),
		ExcessBlobGas: uint64(orZero(dec.ExcessBlobGas)),
		BlobGasUsed:   uint64(orZero(dec.BlobGasUsed)),
	}
	if own := dec.Config.Redline; own != nil {
		g.Sequencer, g.Limits = own.Sequencer, Limits(own.limitsJSON)
	}
	for addr, account := range dec.Alloc {
		g.Alloc[common.Address(addr)] = account
	}
	return g
}

func orZero[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}

// blameGenesis finds the member that data cannot be decoded for. Go's decoder
// names it for some types only, so it decodes the members one by one.
func blameGenesis(data []byte, cause error) (field string, err error) {
	name, value, err := blame[genesisJSON](data, cause)
	path := []string{name}
	switch strings.ToLower(name) {
	case "config":
		name, value, err = blame[configJSON](value, err)
		path = append(path, name)
		if strings.EqualFold(name, "redline") {
			name, _, err = blame[redlineJSON](value, err)
			path = append(path, name)
		}
	case "alloc":
		name, value, err = blame[map[common.UnprefixedAddress]types.Account](value, err)
		path = append(path, name)
		if name != "" {
			name, err = blameAccount(value, err)
			path = append(path, name)
		}
	}
	path = slices.DeleteFunc(path, func(name string) bool { return name == "" })
	return strings.Join(path, "."), err
}

// blame returns the first member, in the order of names, that cannot be
// decoded into a T on its own, and why; no name if there is none.
func blame[T any](data []byte, cause error) (name string, value json.RawMessage, err error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return "", nil, cause
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		alone, err := json.Marshal(map[string]json.RawMessage{name: members[name]})
		if err != nil {
			return "", nil, cause
		}
		if err := json.Unmarshal(alone, new(T)); err != nil {
			return name, members[name], err
		}
	}
	return "", nil, cause
}

// blameAccount is blame for an account, which cannot be decoded without a
// balance.
func blameAccount(data []byte, cause error) (name string, err error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return "", cause
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		withBalance := map[string]json.RawMessage{"balance": json.RawMessage("0")}
		withBalance[name] = members[name]
		alone, err := json.Marshal(withBalance)
		if err != nil {
			return "", cause
		}
		if err := json.Unmarshal(alone, new(types.Account)); err != nil {
			return name, err
		}
	}
	return "", cause
}
