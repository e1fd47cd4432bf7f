package chain

import (
	"crypto/ecdsa"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// Signature is a recoverable secp256k1 signature, r || s || v with v 0 or 1. Of
// the two values of s that fit a hash only the lower one is valid, so that
// nobody but the signer can make another signature, and so another record.
type Signature [crypto.SignatureLength]byte

// MiniBlockHeader is what the sequencer signs for each mini-block. Parent link
// and diff hash make omission and equivocation provable.
type MiniBlockHeader struct {
	Number         uint64      // over the whole chain; the first mini-block is 1
	ParentHash     common.Hash // of the mini-block before; for the first, the chain's identity
	BlockNumber    uint64      // EVM block that this mini-block belongs to
	BlockTimestamp uint64      // seconds; constant inside an EVM block
	Index          uint64      // position in the EVM block, from 0
	TimestampUs    uint64      // microseconds since the epoch, at sealing
	FirstTxIndex   uint64      // transactions of the EVM block before this mini-block
	FirstLogIndex  uint64      // logs of the EVM block before this mini-block
	CumulativeGas  uint64      // gas used in the EVM block before this mini-block
	GasUsed        uint64      // by this mini-block
	TxRoot         common.Hash // Merkle-Patricia root of the transactions
	ReceiptRoot    common.Hash // Merkle-Patricia root of the receipts
	DiffHash       common.Hash // StateDiff.Hash
	Signature      Signature   `rlp:"-"`
}

// MiniBlock is a header with its body. Receipts hold at least the consensus
// fields and the logs.
type MiniBlock struct {
	Header   MiniBlockHeader
	Txs      []*types.Transaction
	Receipts []*types.Receipt
	Diff     *StateDiff
}

// Hash is the Keccak-256 of the RLP of all header fields but the signature. It
// is what the sequencer signs, what the next mini-block links to, and what
// clients see as block hash until the EVM block is sealed.
func (h *MiniBlockHeader) Hash() common.Hash { return hashRLP(h) }

// Sign sets the header's signature.
func (h *MiniBlockHeader) Sign(key *ecdsa.PrivateKey) error {
	sig, err := SignHash(h.Hash(), key)
	h.Signature = sig
	return err
}

// Signer recovers the address that signed the header.
func (h *MiniBlockHeader) Signer() (common.Address, error) {
	return RecoverSigner(h.Hash(), h.Signature)
}

func hashRLP(v any) common.Hash {
	encoded, err := rlp.EncodeToBytes(v)
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot encode %T: %v", v, err))
	}
	return crypto.Keccak256Hash(encoded)
}

// SignHash signs a hash that commits to what is signed and to what for.
func SignHash(hash common.Hash, key *ecdsa.PrivateKey) (sig Signature, err error) {
	raw, err := crypto.Sign(hash[:], key)
	if err != nil {
		return sig, fmt.Errorf("cannot sign %s: %w", hash, err)
	}
	copy(sig[:], raw)
	return sig, nil
}

// RecoverSigner is the address whose signature of hash sig is.
func RecoverSigner(hash common.Hash, sig Signature) (common.Address, error) {
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:64])
	if !crypto.ValidateSignatureValues(sig[64], r, s, true) {
		return common.Address{}, fmt.Errorf("cannot recover the signer of %s: the signature is not canonical", hash)
	}
	pub, err := crypto.SigToPub(hash[:], sig[:])
	if err != nil {
		return common.Address{}, fmt.Errorf("cannot recover the signer of %s: %w", hash, err)
	}
	return crypto.PubkeyToAddress(*pub), nil
}
