package stream

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A frame on the wire, numbers big-endian:
//
//	+------------+------------+---------------------+
//	| length u32 | crc32c u32 | payload (one or more|
//	|            | of payload | zstd frames)        |
//	+------------+------------+---------------------+
//
// The payload, decompressed:
//
//	+-----------+----------------+-----------------------------+
//	| first u64 | serverNext u64 | size u32, record bytes  …   |
//	+-----------+----------------+-----------------------------+
//
// A frame without records is a heartbeat: first is then the next record that
// the server will send on this connection.
const (
	frameHeaderSize = 8
	frameHeadSize   = 16
	recordHeadSize  = 4
)

// Batch is the content of a frame: consecutive records from sequence number
// First on, and the sequence number that comes next on the server.
type Batch struct {
	First      uint64
	ServerNext uint64
	Records    [][]byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var encoder = sync.OnceValue(func() *zstd.Encoder {
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false),
		zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot make a zstd encoder: %v", err))
	}
	return enc
})

var decoder = sync.OnceValue(func() *zstd.Decoder {
	dec, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(decodedSizeMax))
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot make a zstd decoder: %v", err))
	}
	return dec
})

// AppendFrame appends the frame that holds b.
func AppendFrame(dst []byte, b Batch) []byte {
	size := frameHeadSize
	for _, record := range b.Records {
		size += recordHeadSize + len(record)
	}
	plain := make([]byte, 0, size)
	plain = binary.BigEndian.AppendUint64(plain, b.First)
	plain = binary.BigEndian.AppendUint64(plain, b.ServerNext)
	for _, record := range b.Records {
		plain = binary.BigEndian.AppendUint32(plain, uint32(len(record)))
		plain = append(plain, record...)
	}

	start := len(dst)
	dst = append(dst, make([]byte, frameHeaderSize)...)
	dst = encoder().EncodeAll(plain, dst)
	payload := dst[start+frameHeaderSize:]
	binary.BigEndian.PutUint32(dst[start:], uint32(len(payload)))
	binary.BigEndian.PutUint32(dst[start+4:], crc32.Checksum(payload, castagnoli))
	return dst
}

// ParseFrame parses one whole frame. The records share one buffer that is the
// caller's to keep.
func ParseFrame(frame []byte) (Batch, error) {
	if len(frame) < frameHeaderSize {
		return Batch{}, fmt.Errorf("%w: got %d bytes; want at least %d", ErrCorrupt, len(frame), frameHeaderSize)
	}
	payload := frame[frameHeaderSize:]
	if got, want := len(payload), frameLength(frame); got != want {
		return Batch{}, fmt.Errorf("%w: got a payload of %d bytes; want %d", ErrCorrupt, got, want)
	}
	if got, want := crc32.Checksum(payload, castagnoli), binary.BigEndian.Uint32(frame[4:]); got != want {
		return Batch{}, fmt.Errorf("%w: got checksum %08x; want %08x", ErrCorrupt, got, want)
	}
	plain, err := decoder().DecodeAll(payload, nil)
	if err != nil {
		return Batch{}, fmt.Errorf("%w: cannot decompress: %w", ErrCorrupt, err)
	}
	return parseBatch(plain)
}

func parseBatch(plain []byte) (Batch, error) {
	if len(plain) < frameHeadSize {
		return Batch{}, fmt.Errorf("%w: got %d bytes decompressed; want at least %d", ErrCorrupt, len(plain), frameHeadSize)
	}
	b := Batch{
		First:      binary.BigEndian.Uint64(plain),
		ServerNext: binary.BigEndian.Uint64(plain[8:]),
	}
	for rest := plain[frameHeadSize:]; len(rest) > 0; {
		if len(rest) < recordHeadSize {
			return Batch{}, fmt.Errorf("%w: %d stray bytes after record %d", ErrCorrupt, len(rest), len(b.Records))
		}
		size := uint64(binary.BigEndian.Uint32(rest))
		rest = rest[recordHeadSize:]
		if size > uint64(len(rest)) || size > RecordSizeMax {
			return Batch{}, fmt.Errorf("%w: record %d has %d bytes; %d are left", ErrCorrupt, len(b.Records), size, len(rest))
		}
		b.Records = append(b.Records, rest[:size:size])
		rest = rest[size:]
	}
	if next := b.First + uint64(len(b.Records)); next < b.First || next > b.ServerNext {
		return Batch{}, fmt.Errorf("%w: records %d to %d of a server that has %d", ErrCorrupt, b.First, next, b.ServerNext)
	}
	return b, nil
}

// readFrame reads the next whole frame from r.
func readFrame(r io.Reader) ([]byte, error) {
	var header [frameHeaderSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	length := frameLength(header[:])
	if length > FrameSizeMax {
		return nil, fmt.Errorf("%w: got a payload of %d bytes; want at most %d", ErrCorrupt, length, FrameSizeMax)
	}
	frame := make([]byte, frameHeaderSize+length)
	copy(frame, header[:])
	if _, err := io.ReadFull(r, frame[frameHeaderSize:]); err != nil {
		return nil, err
	}
	return frame, nil
}

func frameLength(header []byte) int { return int(binary.BigEndian.Uint32(header)) }
