package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/redline-evm/redline/internal/chain"
)

// Record is one entry of the chain's log and stream. Exactly one field is set.
type Record struct {
	MiniBlock *chain.MiniBlock
	Seal      *chain.Seal
}

// The kinds of records; a change of a payload's format takes a new kind.
const (
	kindMiniBlock = 1
	kindSeal      = 2
)

const crcSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendRecord appends the encoding of r: its kind, the payload, and the
// CRC-32C of both.
func AppendRecord(dst []byte, r Record) []byte {
	start := len(dst)
	switch {
	case r.MiniBlock != nil && r.Seal == nil:
		dst = AppendMiniBlock(append(dst, kindMiniBlock), r.MiniBlock)
	case r.Seal != nil && r.MiniBlock == nil:
		dst = AppendSeal(append(dst, kindSeal), r.Seal)
	default:
		panic("BUG: a record must hold either a mini-block or a seal")
	}
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// IsSeal reports whether a record, which is whole, is a seal.
func IsSeal(record []byte) bool { return len(record) > 0 && record[0] == kindSeal }

// ParseRecord is the inverse of AppendRecord.
func ParseRecord(src []byte) (Record, error) {
	if len(src) < 1+crcSize {
		return Record{}, fmt.Errorf("cannot parse record: %w: got %d bytes; want at least %d", ErrTruncated, len(src), 1+crcSize)
	}
	body, sum := src[:len(src)-crcSize], binary.BigEndian.Uint32(src[len(src)-crcSize:])
	if got := crc32.Checksum(body, castagnoli); got != sum {
		return Record{}, fmt.Errorf("cannot parse record: %w: got checksum %08x; want %08x", ErrCorrupt, got, sum)
	}
	var r Record
	var err error
	switch kind, payload := body[0], body[1:]; kind {
	case kindMiniBlock:
		r.MiniBlock, err = ParseMiniBlock(payload)
	case kindSeal:
		r.Seal, err = ParseSeal(payload)
	default:
		err = fmt.Errorf("%w: unknown kind %d", ErrCorrupt, kind)
	}
	if err != nil {
		return Record{}, fmt.Errorf("cannot parse record: %w", err)
	}
	return r, nil
}
