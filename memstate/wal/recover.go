package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/redline-evm/redline/internal/vfs"
)

// recover finds the records that are in the log's folder.
//
// What a crash can leave after the last whole record is a part of the one group
// that was being written: any blocks of it, in any order. A record names the
// first record of its group, which says that everything before was on the disk
// when it was written. So damage at record n is what a crash left, unless there
// is a record whose group begins after n, or a later segment in use.
func (l *Log) recover() error {
	if err := l.opts.FS.MkdirAll(l.opts.Dir); err != nil {
		return err
	}
	segments, err := l.listSegments()
	if err != nil {
		return err
	}
	l.mu.durable, l.writer.parent = l.opts.First, l.opts.Identity
	for i, s := range segments {
		used, err := l.recoverSegment(s, i == 0)
		if err != nil {
			return err
		}
		if !used {
			return l.keepSpare(segments[i:])
		}
		l.mu.segments = append(l.mu.segments, s)
		l.mu.durable, l.writer.segment = s.next(), s
	}
	return l.cutTail()
}

// listSegments returns the segments in the folder in order, and removes what is
// left of those that were being made.
func (l *Log) listSegments() (segments []*segment, err error) {
	names, err := l.opts.FS.List(l.opts.Dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, segmentSuffix+vfs.TemporarySuffix) {
			if err := l.opts.FS.Remove(filepath.Join(l.opts.Dir, name)); err != nil {
				return nil, err
			}
		}
		if number, ok := parseSegmentName(name); ok {
			segments = append(segments, &segment{number: number, path: l.segmentPath(number)})
		}
	}
	slices.SortFunc(segments, func(a, b *segment) int { return int(a.number) - int(b.number) })
	for i, s := range segments {
		if want := segments[0].number + uint64(i); s.number != want {
			return nil, &CorruptError{Path: l.segmentPath(want), Err: errors.New("the segment is missing")}
		}
	}
	return segments, nil
}

// recoverSegment finds the records of the next segment, by their heads. used is
// false when it has none and never had.
func (l *Log) recoverSegment(s *segment, oldest bool) (used bool, err error) {
	file, err := l.opts.FS.Open(s.path, vfs.Read)
	if err != nil {
		return false, err
	}
	defer file.Close()
	head, err := s.readHead(file)
	switch {
	case errors.Is(err, errUnused):
		return false, nil
	case err != nil:
		return false, s.corrupt(0, l.mu.durable, err)
	case head.identity != l.opts.Identity:
		return false, fmt.Errorf("%w: %q is of %x; want %x", ErrOther, s.path, head.identity, l.opts.Identity)
	case head.segment != s.number:
		return false, s.corrupt(0, l.mu.durable, fmt.Errorf("the header is that of segment %d", head.segment))
	}
	if oldest {
		l.mu.durable, l.writer.parent = head.first, head.parent
	}
	if head.first != l.mu.durable || head.parent != l.writer.parent {
		before := l.writer.segment
		return false, before.corrupt(before.end(), l.mu.durable, fmt.Errorf("records up to %d are missing or damaged", head.first))
	}
	s.salt, s.first = head.salt, head.first
	l.writer.parent, err = s.walk(file, head.parent, false)
	return true, err
}

func (s *segment) corrupt(offset int64, seq uint64, err error) error {
	return &CorruptError{Path: s.path, Offset: offset, Seq: seq, Err: err}
}

// readHead reads the segment's header and notes its size. A header that is
// damaged before any record was written counts as unused: it was being written.
func (s *segment) readHead(file vfs.File) (segmentHead, error) {
	size, err := file.Size()
	if err != nil {
		return segmentHead{}, err
	}
	s.size = size
	block := make([]byte, vfs.BlockSize)
	if _, err := file.ReadAt(block, 0); err != nil {
		return segmentHead{}, fmt.Errorf("the file has %d bytes: %w", size, err)
	}
	head, err := parseSegmentHead(block)
	if err == nil || errors.Is(err, errUnused) {
		return head, err
	}
	rest, scanErr := s.scan(file, vfs.BlockSize)
	if scanErr != nil {
		return head, scanErr
	}
	if rest.end == 0 {
		return head, errUnused
	}
	return head, err
}

// walk finds the segment's records one after the other, the first of which
// continues parent, and returns the link of the last. With payloads it ends
// before the first record whose payload is damaged.
func (s *segment) walk(file vfs.File, parent Hash, payloads bool) (Hash, error) {
	s.ends = nil
	buf := make([]byte, recordHeadSize)
	for {
		at := s.end()
		if _, err := file.ReadAt(buf[:recordHeadSize], at); errors.Is(err, io.EOF) {
			return parent, nil
		} else if err != nil {
			return parent, err
		}
		head, err := parseRecordHead(buf, s.salt)
		if err != nil || head.seq != s.next() || head.parent != parent || at+head.sizeBlocks()*vfs.BlockSize > s.size {
			return parent, nil
		}
		if payloads {
			buf = slices.Grow(buf[:recordHeadSize], int(head.length))
			payload := buf[recordHeadSize : recordHeadSize+int(head.length)]
			if _, err := file.ReadAt(payload, at+recordHeadSize); err != nil {
				return parent, err
			}
			if crc32.Checksum(payload, castagnoli) != head.payloadSum {
				return parent, nil
			}
		}
		s.add(head.sizeBlocks())
		parent = head.link()
	}
}

// remainder is what stands in a segment behind its last whole record.
type remainder struct {
	end      int64  // of the last byte that is not zero; 0 if all are
	offset   int64  // of the record with the newest group
	newest   uint64 // sequence number of that record
	groupMax uint64
}

// scan looks at what stands in the segment from offset on.
func (s *segment) scan(file vfs.File, offset int64) (rest remainder, err error) {
	buf := make([]byte, len(zeros))
	for ; offset < s.size; offset += int64(len(buf)) {
		chunk := buf[:min(int64(len(buf)), s.size-offset)]
		if _, err := file.ReadAt(chunk, offset); err != nil && !errors.Is(err, io.EOF) {
			return rest, err
		}
		if !isZero(chunk) {
			rest.add(chunk, offset, s.salt)
		}
	}
	return rest, nil
}

func (r *remainder) add(chunk []byte, offset int64, salt uint64) {
	for at := 0; at+vfs.BlockSize <= len(chunk); at += vfs.BlockSize {
		block := chunk[at : at+vfs.BlockSize]
		if isZero(block) {
			continue
		}
		r.end = offset + int64(at) + vfs.BlockSize
		if head, err := parseRecordHead(block, salt); err == nil && head.group >= r.groupMax {
			r.offset, r.newest, r.groupMax = offset+int64(at), head.seq, head.group
		}
	}
}

// cutTail makes the newest segment end after its last whole record.
func (l *Log) cutTail() error {
	s := l.writer.segment
	if s == nil {
		return nil
	}
	file, err := l.opts.FS.Open(s.path, vfs.Write)
	if err != nil {
		return err
	}
	defer file.Close()
	head, err := s.readHead(file)
	if err != nil {
		return err
	}
	if l.writer.parent, err = s.walk(file, head.parent, true); err != nil {
		return err
	}
	l.mu.durable = s.next()
	rest, err := s.scan(file, s.end())
	switch {
	case err != nil || rest.end == 0:
		return err
	case rest.groupMax > s.next():
		return s.corrupt(s.end(), s.next(), fmt.Errorf("%w, but record %d at byte %d was written after it", errNoRecord, rest.newest, rest.offset))
	}
	l.opts.Log.Warn("cut off what was being written when the node ended", "file", s.path, "record", s.next(), "offset", s.end(), "bytes", rest.end-s.end())
	return writeZeros(file, s.end(), rest.end)
}

// keepSpare takes the first of the segments, which were prepared and not used,
// as the spare one.
func (l *Log) keepSpare(unused []*segment) error {
	for _, s := range unused[1:] {
		file, err := l.opts.FS.Open(s.path, vfs.Read)
		if err != nil {
			return err
		}
		_, err = s.readHead(file)
		file.Close()
		if !errors.Is(err, errUnused) {
			return s.corrupt(0, l.mu.durable, fmt.Errorf("the segment is used, but %q before it is not", unused[0].path))
		}
	}
	l.mu.spare = unused[0]
	return l.cutTail()
}
