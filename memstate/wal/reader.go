package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"sort"

	"github.com/redline-evm/redline/internal/vfs"
)

// Read returns consecutive records from sequence number from on: at least one if
// from < Next, then as many as are in one place and take up no more than sizeMax
// bytes of the log. They may not be durable yet. They are shared: nobody may
// change them.
func (l *Log) Read(from uint64, sizeMax int) ([][]byte, error) {
	l.mu.Lock()
	switch {
	case from < l.firstLocked():
		l.mu.Unlock()
		return nil, fmt.Errorf("cannot read record %d: %w", from, ErrPruned)
	case from >= l.nextLocked():
		l.mu.Unlock()
		return nil, nil
	case from >= l.mu.durable:
		queued := l.mu.pending[from-l.mu.durable:]
		records := append([][]byte(nil), queued[:fitting(queued, sizeMax)]...)
		l.mu.Unlock()
		return records, nil
	}
	s := l.segmentOfLocked(from)
	begin, ends := s.span(from, sizeMax)
	l.mu.Unlock()
	records, err := l.readSpan(s, from, begin, ends)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrPruned // since the lock was given back
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read record %d: %w", from, err)
	}
	return records, nil
}

// fitting is how many of the queued payloads take up at most sizeMax bytes, at
// least one.
func fitting(queued [][]byte, sizeMax int) int {
	count, size := 1, blocksFor(len(queued[0]))
	for count < len(queued) && (size+blocksFor(len(queued[count])))*vfs.BlockSize <= int64(sizeMax) {
		size += blocksFor(len(queued[count]))
		count++
	}
	return count
}

// segmentOfLocked is the segment that holds record seq, which is in one.
func (l *Log) segmentOfLocked(seq uint64) *segment {
	segments := l.mu.segments
	return segments[sort.Search(len(segments), func(i int) bool { return segments[i].first > seq })-1]
}

// span is where record from begins, and where it and those after it end, up to
// sizeMax bytes.
func (s *segment) span(from uint64, sizeMax int) (begin int64, ends []uint32) {
	i := from - s.first
	begin = s.begin(i)
	count := sort.Search(len(s.ends)-int(i), func(k int) bool {
		return int64(s.ends[int(i)+k])*vfs.BlockSize-begin > int64(sizeMax)
	})
	return begin, append(ends, s.ends[i:int(i)+max(count, 1)]...)
}

// readSpan reads records that follow each other in a segment.
func (l *Log) readSpan(s *segment, from uint64, begin int64, ends []uint32) ([][]byte, error) {
	file, err := l.opts.FS.Open(s.path, vfs.Read)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data := make([]byte, int64(ends[len(ends)-1])*vfs.BlockSize-begin)
	if _, err := file.ReadAt(data, begin); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	records, at := make([][]byte, len(ends)), int64(0)
	for i, end := range ends {
		end := int64(end)*vfs.BlockSize - begin
		payload, err := parseRecord(data[at:end], s.salt, from+uint64(i))
		if err != nil {
			return nil, &CorruptError{Path: s.path, Offset: begin + at, Seq: from + uint64(i), Err: err}
		}
		records[i], at = payload, end
	}
	return records, nil
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
