package replica

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
)

// checkSeal derives the header of the open EVM block from its mini-blocks and
// this node's state, and compares.
func (r *Replica) checkSeal(s *chain.Seal) *Error {
	if fault := r.checkSigner(s.Signer()); fault != nil {
		return fault
	}
	open := r.chain.Open()
	if open == nil {
		want := r.chain.Expect()
		return fault(ErrLink, "got a seal; want mini-block %d, the first of EVM block %d", want.Number, want.BlockNumber)
	}
	for _, field := range []struct {
		name      string
		got, want any
	}{
		{"EVM block", s.Header.Number.String(), open.Header.Number.String()},
		{"parent hash", s.Header.ParentHash, open.Header.ParentHash},
	} {
		if field.got != field.want {
			return fault(ErrLink, "got %s %v; want %v", field.name, field.got, field.want)
		}
	}
	if fault := r.checkRequestsHash(s.Header); fault != nil {
		return fault
	}
	want := chain.CloseHeader(open.Header, &chain.BlockBody{
		Txs:          open.Txs,
		Receipts:     open.Receipts,
		StateRoot:    r.chain.StateRoot(),
		RequestsHash: s.Header.RequestsHash,
		FirstMini:    open.FirstMini,
		LastMini:     open.LastMini,
	})
	if s.Header.Root != want.Root {
		return mismatch(ErrStateRoot, s.Header.Root, want.Root)
	}
	if s.Header.Hash() != want.Hash() {
		return fault(ErrHeader, "%s", differences(s.Header, want))
	}
	if r.replay != nil {
		return r.replay.seal(s)
	}
	return nil
}

// checkRequestsHash checks that the hash is there when the fork has one. What
// it is only execution can tell.
func (r *Replica) checkRequestsHash(h *types.Header) *Error {
	got, want := h.RequestsHash != nil, r.genesis.Config.IsPrague(h.Number, h.Time)
	if got != want {
		return fault(ErrHeader, "requests hash: got one %t; want one %t", got, want)
	}
	return nil
}

// differences names the fields that differ.
func differences(got, want *types.Header) string {
	gotFields, wantFields := headerFields(got), headerFields(want)
	text := ""
	for _, name := range slices.Sorted(maps.Keys(gotFields)) {
		if gotFields[name] != wantFields[name] && name != "hash" {
			text += fmt.Sprintf("%s: got %v; want %v; ", name, gotFields[name], wantFields[name])
		}
	}
	return text + "see the EVM block's mini-blocks"
}

func headerFields(h *types.Header) (fields map[string]any) {
	encoded, err := h.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(encoded, &fields)
	}
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot list the fields of header %d: %v", h.Number, err))
	}
	return fields
}
