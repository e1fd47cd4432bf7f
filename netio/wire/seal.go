package wire

import (
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/redline-evm/redline/internal/chain"
)

// AppendSeal appends the encoding of s: the RLP of its header, because that is
// what the block hash is made of, and the signature.
func AppendSeal(dst []byte, s *chain.Seal) []byte {
	header, err := rlp.EncodeToBytes(s.Header)
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot encode the header of EVM block %s: %v", s.Header.Number, err))
	}
	return append(appendSized(dst, header), s.Signature[:]...)
}

// ParseSeal is the inverse of AppendSeal. The header's numbers are in the
// ranges that Ethereum allows.
func ParseSeal(src []byte) (*chain.Seal, error) {
	return parse("seal", src, (*reader).seal)
}

func (r *reader) seal() *chain.Seal {
	s := &chain.Seal{Header: new(types.Header)}
	encoded := r.sized()
	r.fixed(s.Signature[:])
	if r.err != nil {
		return nil
	}
	if err := rlp.DecodeBytes(encoded, s.Header); err != nil {
		r.corrupt("header: %v", err)
		return nil
	}
	if err := s.Header.SanityCheck(); err != nil {
		r.corrupt("header: %v", err)
		return nil
	}
	return s
}
