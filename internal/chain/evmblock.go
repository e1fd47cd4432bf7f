package chain

import (
	"crypto/ecdsa"
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// Seal closes an EVM block: its final header, signed by the sequencer. The
// body is the mini-blocks that came before it.
type Seal struct {
	Header    *types.Header
	Signature Signature
}

// sealDomain keeps a seal's signature from being valid for anything else.
var sealDomain = []byte("redline seal v1")

func (s *Seal) signingHash() common.Hash {
	hash := s.Header.Hash()
	return crypto.Keccak256Hash(sealDomain, hash[:])
}

// Sign sets the seal's signature.
func (s *Seal) Sign(key *ecdsa.PrivateKey) error {
	sig, err := SignHash(s.signingHash(), key)
	s.Signature = sig
	return err
}

// Signer recovers the address that signed the seal.
func (s *Seal) Signer() (common.Address, error) {
	return RecoverSigner(s.signingHash(), s.Signature)
}

// EVMBlock is an EVM block as a node serves it. While Sealed is false it is
// the open block: its header has no roots, bloom or hash yet, and Hash is that
// of its newest mini-block.
type EVMBlock struct {
	Header    *types.Header
	Hash      common.Hash
	Sealed    bool
	Txs       []*types.Transaction
	Receipts  []*types.Receipt
	FirstMini uint64 // number of its first mini-block
	LastMini  uint64 // number of its newest mini-block
}

// MiniBlockRange encodes the first and last mini-block number of an EVM block
// as the header's extraData: two big-endian 64-bit numbers.
func MiniBlockRange(first, last uint64) []byte {
	extra := binary.BigEndian.AppendUint64(nil, first)
	return binary.BigEndian.AppendUint64(extra, last)
}

// ParseMiniBlockRange is the inverse of MiniBlockRange; ok is false when extra
// does not hold two numbers.
func ParseMiniBlockRange(extra []byte) (first, last uint64, ok bool) {
	if len(extra) != 16 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(extra), binary.BigEndian.Uint64(extra[8:]), true
}
