package snapshot

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/redline-evm/redline/internal/chain"
)

// A manifest on disk, drawn in docs/formats/snapshot.md:
//
//	+-----------+-------------+--------------+
//	| magic   8 | RLP of body | signature 65 |
//	+-----------+-------------+--------------+
//
// The magic says the version of the format. The signature covers all before it,
// so that no bit of the file can change unnoticed.
const (
	manifestMagic = "RLSNAP01"
	signatureSize = len(chain.Signature{})
)

// AncestorsMax is how many hashes of EVM blocks a manifest holds at most: what
// BLOCKHASH can ask for beside the newest block, whose header is there.
const AncestorsMax = 255

// Manifest says what a snapshot is a snapshot of, and what it consists of. The
// state is that after the EVM block of Header, which is sealed; the header's
// root commits to it.
type Manifest struct {
	Chain         common.Hash     // identity of the chain
	Signer        common.Address  // the node that made the snapshot
	CreatedMs     uint64          // milliseconds since the epoch
	NextSeq       uint64          // of the chain's records, the first that the snapshot does not hold
	Mini          uint64          // the newest mini-block; 0 when only the genesis block is held
	MiniHash      common.Hash     // its hash; the chain's identity for 0
	Header        *types.Header   // of the newest EVM block
	SealSignature chain.Signature // by the sequencer, of that header; zeros for the genesis block
	Ancestors     []common.Hash   // hashes of the EVM blocks before it, the newest first
	Counts        Counts          // of what the base holds
	Base          []Chunk         // the copy; its chunks may be applied in any order
	Tail          []Chunk         // what changed while the copy was made; in this order, after the base
}

// Seal is the seal of the EVM block; nil for the genesis block.
func (m *Manifest) Seal() *chain.Seal {
	if m.Block() == 0 {
		return nil
	}
	return &chain.Seal{Header: m.Header, Signature: m.SealSignature}
}

// Counts says how much the base of a snapshot holds. What the copy met twice
// counts twice.
type Counts struct {
	Accounts uint64 `json:"accounts"`
	Slots    uint64 `json:"slots"`
	Codes    uint64 `json:"codes"`
}

func (c *Counts) add(d *chain.StateDiff) {
	c.Accounts += uint64(len(d.Accounts))
	c.Codes += uint64(len(d.Codes))
	for i := range d.Accounts {
		c.Slots += uint64(len(d.Accounts[i].Slots))
	}
}

// Chunk names a part of the state.
type Chunk struct {
	Hash        common.Hash // SHA-256 of the file
	StoredBytes uint64      // size of the file
	RawBytes    uint64      // size after decompression
}

// Block is the number of the EVM block that the snapshot is of.
func (m *Manifest) Block() uint64 { return m.Header.Number.Uint64() }

// Created is when the snapshot was begun to be written down.
func (m *Manifest) Created() time.Time { return time.UnixMilli(int64(m.CreatedMs)) }

// Size sums up the chunks, each as often as it is named.
func (m *Manifest) Size() (storedBytes, rawBytes uint64) {
	for _, c := range m.chunks() {
		storedBytes += c.StoredBytes
		rawBytes += c.RawBytes
	}
	return storedBytes, rawBytes
}

// chunks are all chunks in the order in which they are applied.
func (m *Manifest) chunks() []Chunk {
	return append(m.Base[:len(m.Base):len(m.Base)], m.Tail...)
}

// encode returns the signed file. It sets the signer.
func (m *Manifest) encode(key *ecdsa.PrivateKey) ([]byte, error) {
	m.Signer = crypto.PubkeyToAddress(key.PublicKey)
	if err := m.check(); err != nil {
		return nil, err
	}
	body, err := rlp.EncodeToBytes(m)
	if err != nil {
		return nil, err
	}
	file := append([]byte(manifestMagic), body...)
	signature, err := chain.SignHash(signingHash(file), key)
	return append(file, signature[:]...), err
}

// manifestDomain keeps a manifest's signature from being valid for anything
// else.
var manifestDomain = []byte("redline snapshot")

func signingHash(signed []byte) common.Hash {
	hash := sha256.Sum256(signed)
	return crypto.Keccak256Hash(manifestDomain, hash[:])
}

// parseManifest is the inverse of encode. That the signature is the signer's
// says that the file is whole, not that the signer is to be trusted.
func parseManifest(file []byte) (*Manifest, error) {
	if len(file) < len(manifestMagic)+signatureSize {
		return nil, fmt.Errorf("%w: got %d bytes; want a manifest", ErrCorrupt, len(file))
	}
	if magic := file[:len(manifestMagic)]; string(magic) != manifestMagic {
		return nil, fmt.Errorf("%w: got format %q; want %q", ErrCorrupt, magic, manifestMagic)
	}
	signed := file[:len(file)-signatureSize]
	m := new(Manifest)
	if err := rlp.DecodeBytes(signed[len(manifestMagic):], m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	signer, err := chain.RecoverSigner(signingHash(signed), chain.Signature(file[len(signed):]))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if signer != m.Signer {
		return nil, fmt.Errorf("%w: the signature is not that of %s", ErrCorrupt, m.Signer)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return m, nil
}

// check reports what a manifest may not say, whoever signed it.
func (m *Manifest) check() error {
	if m.Header == nil || m.Header.Number == nil || !m.Header.Number.IsUint64() {
		return errors.New("the header has no number")
	}
	if err := m.Header.SanityCheck(); err != nil {
		return err
	}
	if _, last, ok := chain.ParseMiniBlockRange(m.Header.Extra); m.Block() > 0 && (!ok || last != m.Mini) {
		return fmt.Errorf("the header does not end with mini-block %d", m.Mini)
	}
	if want := m.Mini + m.Block(); m.NextSeq != want {
		return fmt.Errorf("got %d records; want %d", m.NextSeq, want)
	}
	if want := min(m.Block(), AncestorsMax); uint64(len(m.Ancestors)) != want {
		return fmt.Errorf("got %d ancestors of EVM block %d; want %d", len(m.Ancestors), m.Block(), want)
	}
	for i, c := range m.chunks() {
		if c.RawBytes > chunkRawMax || c.StoredBytes > chunkRawMax {
			return fmt.Errorf("chunk %d has %d bytes; want at most %d", i, max(c.RawBytes, c.StoredBytes), chunkRawMax)
		}
	}
	return nil
}
