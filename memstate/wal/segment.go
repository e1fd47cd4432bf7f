package wal

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redline-evm/redline/internal/vfs"
)

// segment is one file of the log.
type segment struct {
	number uint64
	path   string
	size   int64 // of the file
	salt   uint64
	first  uint64
	ends   []uint32 // where each record ends, in blocks
}

// end is where the next record goes, in bytes.
func (s *segment) end() int64 { return s.begin(uint64(len(s.ends))) }

// begin is where the i-th record begins, in bytes.
func (s *segment) begin(i uint64) int64 {
	if i == 0 {
		return vfs.BlockSize // after the header
	}
	return int64(s.ends[i-1]) * vfs.BlockSize
}

// next is the sequence number after the segment's last record.
func (s *segment) next() uint64 { return s.first + uint64(len(s.ends)) }

// add makes a record of so many blocks the segment's last.
func (s *segment) add(blocks int64) {
	s.ends = append(s.ends, uint32(s.end()/vfs.BlockSize+blocks))
}

const (
	segmentSuffix  = ".wal"
	segmentDigits  = 8
	firstSizeBytes = 1 << 20 // of the first segment
	growth         = 4       // how many times as large each next one is, up to Options.SegmentBytes
)

func (l *Log) segmentPath(number uint64) string {
	return filepath.Join(l.opts.Dir, fmt.Sprintf("%0*d%s", segmentDigits, number, segmentSuffix))
}

// parseSegmentName returns the number in a segment's file name.
func parseSegmentName(name string) (number uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) < segmentDigits {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil
}

// makeSegment makes a segment of zeros, which is on the disk when it returns.
func (l *Log) makeSegment(number uint64, size int64) (*segment, error) {
	s := &segment{number: number, path: l.segmentPath(number)}
	temporary := s.path + vfs.TemporarySuffix
	file, err := l.opts.FS.Open(temporary, vfs.Create)
	if err != nil {
		return nil, err
	}
	err = errors.Join(s.fill(file, size), file.Close())
	if err == nil {
		err = vfs.Publish(l.opts.FS, temporary, s.path)
	}
	if err != nil { // a part of a segment must not keep the disk full
		return nil, errors.Join(fmt.Errorf("cannot prepare a segment of the log: %w", err), l.opts.FS.Remove(temporary))
	}
	return s, nil
}

// fill makes the segment's file larger, with zeros.
func (s *segment) fill(file vfs.File, size int64) error {
	if err := writeZeros(file, s.size, size); err != nil {
		return err
	}
	s.size = size
	return nil
}

// writeZeros writes zeros to a part of a file, and syncs it.
func writeZeros(file vfs.File, from, to int64) error {
	for ; from < to; from += int64(len(zeros)) {
		if _, err := file.WriteAt(zeros[:min(int64(len(zeros)), to-from)], from); err != nil {
			return err
		}
	}
	return file.Sync()
}
