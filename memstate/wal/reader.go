package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"sort"

	"github.com/redline-evm/redline/internal/vfs"
)

// Read returns consecutive records from sequence number from on: at least one if
// from < Next, then as many as take up no more than sizeMax bytes of the log. They
// may not be durable yet. They are shared: nobody may change them.
func (l *Log) Read(from uint64, sizeMax int) ([][]byte, error) {
	spans, queued, err := l.plan(from, sizeMax)
	if err != nil {
		return nil, fmt.Errorf("cannot read record %d: %w", from, err)
	}
	var records [][]byte
	for i := range spans {
		payloads, err := l.readSpan(&spans[i])
		if errors.Is(err, fs.ErrNotExist) {
			err = ErrPruned // since it was planned
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read record %d: %w", spans[i].first, err)
		}
		records = append(records, payloads...)
	}
	return append(records, queued...), nil
}

// span is records that follow each other in a segment's file.
type span struct {
	path  string
	salt  uint64
	first uint64   // sequence number
	begin int64    // of the first record, in bytes
	ends  []uint32 // of each record, in blocks
}

// plan finds the records that Read returns: where they are in the segments, and
// those in the queue.
func (l *Log) plan(from uint64, sizeMax int) (spans []span, queued [][]byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from < l.firstLocked() {
		return nil, nil, ErrPruned
	}
	blocks, least := int64(sizeMax/vfs.BlockSize), 1
	for from < l.mu.durable {
		s := l.segmentOfLocked(from)
		found := s.span(from, blocks, least)
		if len(found.ends) == 0 {
			return spans, nil, nil
		}
		spans, least = append(spans, found), 0
		from += uint64(len(found.ends))
		blocks -= int64(found.ends[len(found.ends)-1]) - found.begin/vfs.BlockSize
		if from < s.next() {
			return spans, nil, nil
		}
	}
	for ; from < l.nextLocked(); from++ {
		payload := l.mu.pending[from-l.mu.durable]
		if blocks -= blocksFor(len(payload)); blocks < 0 && least == 0 {
			break
		}
		queued, least = append(queued, payload), 0
	}
	return spans, queued, nil
}

// segmentOfLocked is the segment that holds record seq, which is in one.
func (l *Log) segmentOfLocked(seq uint64) *segment {
	segments := l.mu.segments
	return segments[sort.Search(len(segments), func(i int) bool { return segments[i].first > seq })-1]
}

// span is as many records from sequence number from on as take up no more than
// so many blocks, but at least the number of least.
func (s *segment) span(from uint64, blocks int64, least int) span {
	ends, begin := s.ends[from-s.first:], s.begin(from-s.first)
	limit := begin/vfs.BlockSize + blocks
	count := sort.Search(len(ends), func(i int) bool { return int64(ends[i]) > limit })
	return span{path: s.path, salt: s.salt, first: from, begin: begin, ends: slices.Clone(ends[:max(count, least)])}
}

// readSpan returns the payloads of the records of a span.
func (l *Log) readSpan(p *span) ([][]byte, error) {
	file, err := l.opts.FS.Open(p.path, vfs.Read)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data := make([]byte, int64(p.ends[len(p.ends)-1])*vfs.BlockSize-p.begin)
	if _, err := file.ReadAt(data, p.begin); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	payloads, at := make([][]byte, len(p.ends)), int64(0)
	for i, end := range p.ends {
		end, seq := int64(end)*vfs.BlockSize-p.begin, p.first+uint64(i)
		if payloads[i], err = parseRecord(data[at:end], p.salt, seq); err != nil {
			return nil, &CorruptError{Path: p.path, Offset: p.begin + at, Seq: seq, Err: err}
		}
		at = end
	}
	return payloads, nil
}

// parseRecord returns the payload of the record that fills blocks.
func parseRecord(blocks []byte, salt, seq uint64) ([]byte, error) {
	head, err := parseRecordHead(blocks, salt)
	if err != nil {
		return nil, err
	}
	if head.seq != seq || head.sizeBlocks()*vfs.BlockSize != int64(len(blocks)) {
		return nil, fmt.Errorf("got record %d of %d bytes in %d", head.seq, head.length, len(blocks))
	}
	end := recordHeadSize + int(head.length)
	payload := blocks[recordHeadSize:end:end]
	if crc32.Checksum(payload, castagnoli) != head.payloadSum {
		return nil, errPayload
	}
	return payload, nil
}

var errPayload = errors.New("the record has another checksum")

// Place is where a record begins that is on the disk and was not pruned.
func (l *Log) Place(seq uint64) (path string, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.segmentOfLocked(seq)
	return s.path, s.begin(seq - s.first)
}

// SizeBytes is how much of the log the count records from sequence number from
// on take up, of those that are there.
func (l *Log) SizeBytes(from, count uint64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	from = max(from, l.firstLocked())
	size := int64(0)
	for seq, end := from, min(from+count, l.nextLocked()); seq < end; {
		if seq >= l.mu.durable {
			size += blocksFor(len(l.mu.pending[seq-l.mu.durable])) * vfs.BlockSize
			seq++
			continue
		}
		s := l.segmentOfLocked(seq)
		stop := min(end, s.next())
		size += s.begin(stop-s.first) - s.begin(seq-s.first)
		seq = stop
	}
	return int(size)
}

// Prune removes segments that hold nothing but records below before, oldest
// first. The newest segment stays.
func (l *Log) Prune(before uint64) error {
	for {
		path, ok := l.dropOldest(before)
		if !ok {
			return nil
		}
		if err := l.opts.FS.Remove(path); err != nil {
			return fmt.Errorf("cannot prune the log: %w", err)
		}
	}
}

func (l *Log) dropOldest(before uint64) (path string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	segments := l.mu.segments
	if len(segments) < 2 || segments[1].first > before {
		return "", false
	}
	l.mu.segments = segments[1:]
	return segments[0].path, true
}
