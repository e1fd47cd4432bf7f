package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/redline-evm/redline/internal/chain"
)

// checkParse checks what holds for every parser and every input: an error says
// truncated or corrupt, and bytes that parse are the encoding of their value.
func checkParse[T any](t *testing.T, src []byte, parse func([]byte) (T, error), appendTo func([]byte, T) []byte) {
	t.Helper()
	value, err := parse(src)
	if err != nil {
		if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrCorrupt) {
			t.Errorf("got %v; want ErrTruncated or ErrCorrupt", err)
		}
		return
	}
	if again := appendTo(nil, value); !bytes.Equal(again, src) {
		t.Errorf("got %x; want %x", again, src)
	}
}

func FuzzParseStateDiff(f *testing.F) {
	f.Add([]byte{})
	f.Add(AppendStateDiff(nil, &chain.StateDiff{}))
	f.Add(AppendStateDiff(nil, sampleDiff()))
	f.Fuzz(func(t *testing.T, src []byte) { checkParse(t, src, ParseStateDiff, AppendStateDiff) })
}

func FuzzParseReceipts(f *testing.F) {
	f.Add([]byte{}, uint8(0))
	f.Add(AppendReceipts(nil, sampleReceipts()), uint8(len(sampleReceipts())))
	f.Fuzz(func(t *testing.T, src []byte, count uint8) {
		receipts, err := ParseReceipts(src, int(count))
		if err == nil && !bytes.Equal(AppendReceipts(nil, receipts), src) {
			t.Errorf("got %x; want %x", AppendReceipts(nil, receipts), src)
		}
	})
}

func FuzzParseMiniBlock(f *testing.F) {
	f.Add(AppendMiniBlock(nil, emptyMiniBlock()))
	f.Add(AppendMiniBlock(nil, sampleMiniBlock()))
	f.Fuzz(func(t *testing.T, src []byte) { checkParse(t, src, ParseMiniBlock, AppendMiniBlock) })
}

func FuzzParseSeal(f *testing.F) {
	f.Add([]byte{})
	f.Add(AppendSeal(nil, sampleSeal()))
	f.Fuzz(func(t *testing.T, src []byte) { checkParse(t, src, ParseSeal, AppendSeal) })
}

// FuzzParseRecord makes every second input pass the checksum.
func FuzzParseRecord(f *testing.F) {
	for _, r := range []Record{{MiniBlock: sampleMiniBlock()}, {Seal: sampleSeal()}} {
		encoded := AppendRecord(nil, r)
		f.Add(encoded[:len(encoded)-crcSize], true)
		f.Add(encoded, false)
	}
	f.Fuzz(func(t *testing.T, src []byte, sum bool) {
		if sum {
			src = binary.BigEndian.AppendUint32(src, crc32.Checksum(src, castagnoli))
		}
		checkParse(t, src, ParseRecord, AppendRecord)
	})
}
