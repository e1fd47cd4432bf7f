package snapshot

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/netio/wire"
)

// A chunk is a sequence of state diffs, each after its length as a uvarint,
// compressed as one zstd frame. The compression is the fastest: more of it gains
// little on hashes and balances.
const (
	chunkRawMax = 64 << 20 // bytes
	tailRawFull = 4 << 20  // a chunk of the tail has so many, or a single diff
)

// appendDiff appends a diff to an uncompressed chunk.
func appendDiff(raw []byte, d *chain.StateDiff) []byte {
	body := wire.AppendStateDiff(nil, d)
	return append(binary.AppendUvarint(raw, uint64(len(body))), body...)
}

func parseDiffs(raw []byte) (diffs []*chain.StateDiff, err error) {
	for len(raw) > 0 {
		length, n := binary.Uvarint(raw)
		if n <= 0 || length > uint64(len(raw)-n) {
			return nil, errors.New("a diff ends too early")
		}
		d, err := wire.ParseStateDiff(raw[n : n+int(length)])
		if err != nil {
			return nil, err
		}
		diffs = append(diffs, d)
		raw = raw[n+int(length):]
	}
	return diffs, nil
}

func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(chunkRawMax))
}

// pack compresses a chunk and names it.
func pack(encoder *zstd.Encoder, raw []byte) (Chunk, []byte) {
	stored := encoder.EncodeAll(raw, nil)
	return Chunk{Hash: sha256.Sum256(stored), StoredBytes: uint64(len(stored)), RawBytes: uint64(len(raw))}, stored
}

// unpack checks that stored is the chunk that c names, before it decompresses.
func unpack(decoder *zstd.Decoder, c Chunk, stored []byte) ([]*chain.StateDiff, error) {
	if err := c.verify(stored); err != nil {
		return nil, err
	}
	raw, err := decoder.DecodeAll(stored, make([]byte, 0, c.RawBytes))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if uint64(len(raw)) != c.RawBytes {
		return nil, fmt.Errorf("%w: got %d bytes of state; want %d", ErrCorrupt, len(raw), c.RawBytes)
	}
	diffs, err := parseDiffs(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return diffs, nil
}

func (c Chunk) verify(stored []byte) error {
	if uint64(len(stored)) != c.StoredBytes {
		return fmt.Errorf("%w: got %d bytes; want %d", ErrCorrupt, len(stored), c.StoredBytes)
	}
	if got := sha256.Sum256(stored); got != c.Hash {
		return fmt.Errorf("%w: got SHA-256 %x; want %x", ErrCorrupt, got, c.Hash)
	}
	return nil
}
