package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/ethereum/go-ethereum/common"
	"github.com/klauspost/compress/zstd"
)

// An EVM block on disk is a frame, numbers big-endian:
//
//	head    | magic 4 | number 8 | first mini-block 8 | hash 32 | parts 4 | seal 4 | filter 4 | filter crc32c 4 |
//	front   | part: mini-blocks 4, size 4, size before compression 4, crc32c 4 |  for each part
//	        | seal (record)
//	        | crc32c of head and front  4 |
//	filter  | log filter |
//	parts   | zstd of: length 4 and record, for each mini-block |  for each part
//
// A part holds mini-blocks up to a size, so that one mini-block can be read
// without the whole EVM block.
const (
	frameMagic   = 0x524C4246 // "RLBF"
	headSize     = 4 + 8 + 8 + common.HashLength + 4*4
	partHeadSize = 4 * 4
	crcSize      = 4

	partRawFull = 128 << 10 // a part is closed when it has so many bytes
	partRawMax  = 256 << 20
	frontMax    = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// head is the fixed beginning of a frame.
type head struct {
	number, firstMini uint64
	hash              common.Hash
	parts             uint32 // count
	sealSize          uint32
	filterSize        uint32
	filterSum         uint32
}

// part is where some consecutive mini-blocks stand.
type part struct {
	minis, size, rawSize, sum uint32
}

// front is a frame without its contents.
type front struct {
	head
	parts []part
	seal  []byte // record
}

func (h *head) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, frameMagic)
	dst = binary.BigEndian.AppendUint64(dst, h.number)
	dst = binary.BigEndian.AppendUint64(dst, h.firstMini)
	dst = append(dst, h.hash[:]...)
	for _, v := range [...]uint32{h.parts, h.sealSize, h.filterSize, h.filterSum} {
		dst = binary.BigEndian.AppendUint32(dst, v)
	}
	return dst
}

func parseHead(src []byte) (h head, ok bool) {
	if len(src) < headSize || binary.BigEndian.Uint32(src) != frameMagic {
		return h, false
	}
	h.number = binary.BigEndian.Uint64(src[4:])
	h.firstMini = binary.BigEndian.Uint64(src[12:])
	at := 20 + copy(h.hash[:], src[20:])
	for i, field := range [...]*uint32{&h.parts, &h.sealSize, &h.filterSize, &h.filterSum} {
		*field = binary.BigEndian.Uint32(src[at+4*i:])
	}
	return h, h.frontSize() <= frontMax
}

// frontSize is how many bytes follow the head before the filter.
func (h *head) frontSize() int64 {
	return int64(h.parts)*partHeadSize + int64(h.sealSize) + crcSize
}

// minis is how many mini-blocks the frame holds.
func (f *front) minis() (count uint64) {
	for _, p := range f.parts {
		count += uint64(p.minis)
	}
	return count
}

// filterStart and partStart are offsets in the frame; partStart of the number of
// parts is the size of the frame.
func (f *front) filterStart() int64 { return headSize + f.frontSize() }

func (f *front) partStart(i int) int64 {
	at := f.filterStart() + int64(f.filterSize)
	for _, p := range f.parts[:i] {
		at += int64(p.size)
	}
	return at
}

// The encoder and the decoder may be used from many goroutines.
var (
	encoder = must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1)))
	decoder = must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(partRawMax)))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot set up zstd: %v", err))
	}
	return v
}

// appendFrame appends the frame of a block.
func appendFrame(dst []byte, b *block) ([]byte, error) {
	parts, contents, err := packParts(b.minis)
	if err != nil {
		return nil, err
	}
	filter := newLogFilter(b)
	h := head{
		number: b.number, firstMini: b.firstMini, hash: b.hash,
		parts: uint32(len(parts)), sealSize: uint32(len(b.seal)),
		filterSize: uint32(len(filter)), filterSum: crc32.Checksum(filter, castagnoli),
	}
	start := len(dst)
	dst = h.append(dst)
	for _, p := range parts {
		for _, v := range [...]uint32{p.minis, p.size, p.rawSize, p.sum} {
			dst = binary.BigEndian.AppendUint32(dst, v)
		}
	}
	dst = append(dst, b.seal...)
	dst = binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
	return append(append(dst, filter...), contents...), nil
}

// packParts compresses records.
func packParts(records [][]byte) (parts []part, contents []byte, err error) {
	var raw []byte
	count := uint32(0)
	for i, record := range records {
		raw = binary.BigEndian.AppendUint32(raw, uint32(len(record)))
		raw = append(raw, record...)
		count++
		if len(raw) < partRawFull && i+1 < len(records) {
			continue
		}
		if len(raw) > partRawMax {
			return nil, nil, fmt.Errorf("got a record of %d bytes; want at most %d", len(record), partRawMax)
		}
		start := len(contents)
		contents = encoder.EncodeAll(raw, contents)
		stored := contents[start:]
		parts = append(parts, part{count, uint32(len(stored)), uint32(len(raw)), crc32.Checksum(stored, castagnoli)})
		raw, count = raw[:0], 0
	}
	return parts, contents, nil
}

var errFrame = errors.New("damaged frame")

// readFront reads the front of the frame that begins at an offset.
func readFront(r io.ReaderAt, offset int64) (*front, error) {
	first := make([]byte, headSize)
	if _, err := r.ReadAt(first, offset); err != nil {
		return nil, frameError(err)
	}
	h, ok := parseHead(first)
	if !ok {
		return nil, fmt.Errorf("%w: no head is there", errFrame)
	}
	all := make([]byte, headSize+h.frontSize())
	if _, err := r.ReadAt(all, offset); err != nil {
		return nil, frameError(err)
	}
	end := len(all) - crcSize
	if crc32.Checksum(all[:end], castagnoli) != binary.BigEndian.Uint32(all[end:]) {
		return nil, fmt.Errorf("%w: wrong checksum of the front", errFrame)
	}
	f := &front{head: h, parts: make([]part, h.parts)}
	at := all[headSize:end]
	for i := range f.parts {
		p := &f.parts[i]
		for j, field := range [...]*uint32{&p.minis, &p.size, &p.rawSize, &p.sum} {
			*field = binary.BigEndian.Uint32(at[4*j:])
		}
		at = at[partHeadSize:]
	}
	f.seal = at
	return f, nil
}

// readFilter reads the log filter of the frame at an offset.
func (f *front) readFilter(r io.ReaderAt, offset int64) (LogFilter, error) {
	filter := make(LogFilter, f.filterSize)
	if err := readChecked(r, offset+f.filterStart(), filter, f.filterSum); err != nil {
		return nil, fmt.Errorf("log filter: %w", err)
	}
	return filter, nil
}

// readPart reads the records of a part of the frame at an offset.
func (f *front) readPart(r io.ReaderAt, offset int64, i int) ([][]byte, error) {
	p := f.parts[i]
	stored := make([]byte, p.size)
	if err := readChecked(r, offset+f.partStart(i), stored, p.sum); err != nil {
		return nil, fmt.Errorf("part %d: %w", i, err)
	}
	raw, err := decoder.DecodeAll(stored, make([]byte, 0, p.rawSize))
	if err != nil {
		return nil, fmt.Errorf("part %d: %w: %w", i, errFrame, err)
	}
	records := make([][]byte, 0, p.minis)
	for len(raw) >= 4 {
		size := int64(binary.BigEndian.Uint32(raw))
		if size > int64(len(raw)-4) {
			break
		}
		records = append(records, raw[4:4+size:4+size])
		raw = raw[4+size:]
	}
	if len(raw) > 0 || len(records) != int(p.minis) {
		return nil, fmt.Errorf("part %d: %w: got %d records; want %d", i, errFrame, len(records), p.minis)
	}
	return records, nil
}

// readChecked fills dst from an offset and compares its checksum.
func readChecked(r io.ReaderAt, offset int64, dst []byte, sum uint32) error {
	if len(dst) == 0 {
		return nil
	}
	if _, err := r.ReadAt(dst, offset); err != nil {
		return frameError(err)
	}
	if got := crc32.Checksum(dst, castagnoli); got != sum {
		return fmt.Errorf("%w: got checksum %08x; want %08x", errFrame, got, sum)
	}
	return nil
}

// frameError tells a file that ends too early from an error of the disk.
func frameError(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the file ends inside it", errFrame)
	}
	return err
}
