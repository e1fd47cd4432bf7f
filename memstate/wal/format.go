package wal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/redline-evm/redline/internal/vfs"
)

// The bytes of a log, numbers big-endian, everything aligned to blocks of 4096
// bytes; docs/formats/wal.md says why.
//
//	segment:  | header | record | record | ... | zeros |
//
//	header:   | magic 8 | identity 32 | segment 8 | salt 8 | first sequence number 8 | parent 32 |
//	          | crc32c 4 | zeros |
//
//	record:   | magic 4 | crc32c of the rest of the head 4 | crc32c of the payload 4 | length 4 |
//	          | salt 8 | sequence number 8 | group 8 | parent 32 | payload | zeros |
const (
	segmentMagic = "RLWAL001"
	recordMagic  = "RLRC"

	segmentHeadSize = 8 + 32 + 8 + 8 + 8 + 32 + 4
	recordHeadSize  = 4 + 4 + 4 + 4 + 8 + 8 + 8 + 32

	// RecordSizeMax bounds a record, in bytes.
	RecordSizeMax = 64 << 20
)

const _ = uint(vfs.BlockSize - segmentHeadSize)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segmentHead is how a segment begins.
type segmentHead struct {
	identity Hash   // of the log
	segment  uint64 // the number in the file's name
	salt     uint64 // random; tells the segment's records from payloads that were made to look like one
	first    uint64 // sequence number of the first record
	parent   Hash   // of the first record
}

func (h *segmentHead) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, segmentMagic...)
	dst = append(dst, h.identity[:]...)
	dst = binary.BigEndian.AppendUint64(dst, h.segment)
	dst = binary.BigEndian.AppendUint64(dst, h.salt)
	dst = binary.BigEndian.AppendUint64(dst, h.first)
	dst = append(dst, h.parent[:]...)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// errUnused says that a segment was prepared and nothing was written to it.
var errUnused = errors.New("unused segment")

func parseSegmentHead(b []byte) (h segmentHead, err error) {
	b = b[:segmentHeadSize]
	body := b[:segmentHeadSize-4]
	switch magic := body[:len(segmentMagic)]; {
	case isZero(b):
		return h, errUnused
	case crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(body):]):
		return h, errors.New("the segment's header is damaged")
	case string(magic) != segmentMagic:
		return h, fmt.Errorf("got format %q; want %q", magic, segmentMagic)
	}
	body = body[len(segmentMagic):]
	copy(h.identity[:], body)
	h.segment = binary.BigEndian.Uint64(body[32:])
	h.salt = binary.BigEndian.Uint64(body[40:])
	h.first = binary.BigEndian.Uint64(body[48:])
	copy(h.parent[:], body[56:])
	return h, nil
}

// recordHead stands before a record's payload.
type recordHead struct {
	payloadSum uint32
	length     uint32
	salt       uint64 // of the segment
	seq        uint64
	group      uint64 // sequence number of the first record that was written together with this one
	parent     Hash   // link of the record before; of the first in the log, the log's identity
}

func (h *recordHead) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, recordMagic...)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, h.payloadSum)
	dst = binary.BigEndian.AppendUint32(dst, h.length)
	dst = binary.BigEndian.AppendUint64(dst, h.salt)
	dst = binary.BigEndian.AppendUint64(dst, h.seq)
	dst = binary.BigEndian.AppendUint64(dst, h.group)
	dst = append(dst, h.parent[:]...)
	binary.BigEndian.PutUint32(dst[start+4:], crc32.Checksum(dst[start+8:], castagnoli))
	return dst
}

var errNoRecord = errors.New("no whole record is there")

// parseRecordHead returns the head of a record of the segment with that salt.
func parseRecordHead(b []byte, salt uint64) (h recordHead, err error) {
	b = b[:recordHeadSize]
	if string(b[:4]) != recordMagic || crc32.Checksum(b[8:], castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return h, errNoRecord
	}
	h.payloadSum = binary.BigEndian.Uint32(b[8:])
	h.length = binary.BigEndian.Uint32(b[12:])
	h.salt = binary.BigEndian.Uint64(b[16:])
	h.seq = binary.BigEndian.Uint64(b[24:])
	h.group = binary.BigEndian.Uint64(b[32:])
	copy(h.parent[:], b[40:])
	if h.salt != salt || h.length > RecordSizeMax {
		return h, errNoRecord
	}
	return h, nil
}

// link is the hash of a record's head, which the next record names as its
// parent. The head holds the payload's checksum, so that a link stands for all
// records up to its own.
func (h *recordHead) link() Hash { return sha256.Sum256(h.append(nil)) }

// sizeBlocks is the room that a record takes, in blocks.
func (h *recordHead) sizeBlocks() int64 { return blocksFor(int(h.length)) }

func blocksFor(payloadSize int) int64 {
	return (recordHeadSize + int64(payloadSize) + vfs.BlockSize - 1) / vfs.BlockSize
}

// appendRecord appends a record with the zeros after it.
func appendRecord(dst []byte, h *recordHead, payload []byte) []byte {
	end := len(dst) + int(blocksFor(len(payload)))*vfs.BlockSize
	dst = h.append(dst)
	dst = append(dst, payload...)
	return append(dst, zeros[:end-len(dst)]...)
}

// zeros is what a segment is filled with before it is used.
var zeros [1 << 20]byte

func isZero(b []byte) bool {
	for ; len(b) > len(zeros); b = b[len(zeros):] {
		if !bytes.Equal(b[:len(zeros)], zeros[:]) {
			return false
		}
	}
	return bytes.Equal(b, zeros[:len(b)])
}
