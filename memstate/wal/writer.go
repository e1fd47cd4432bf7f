package wal

import (
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/redline-evm/redline/internal/vfs"
)

var (
	commitSeconds = metrics.NewHistogram("redline_wal_commit_seconds")
	bytesTotal    = metrics.NewCounter("redline_wal_bytes_total")
	recordsTotal  = metrics.NewCounter("redline_wal_records_total")
	failuresTotal = metrics.NewCounter("redline_wal_failures_total")

	spareWaitsTotal = metrics.NewCounter("redline_wal_spare_waits_total") // a segment was full before the next was prepared
)

// writer is what the writing goroutine keeps for itself.
type writer struct {
	segment *segment // the newest; nil before the first
	file    vfs.File // of it; nil when it is to be opened
	parent  Hash     // of the next record
	buf     []byte   // aligned
}

// writeLoop writes what is queued until the log is closed and nothing is left,
// or what is left cannot be written. It has a thread to itself, because it is
// nearly always in a system call that blocks.
func (l *Log) writeLoop() {
	runtime.LockOSThread()
	defer l.writerEnds()
	for {
		first, queued := l.waitForWork()
		if len(queued) == 0 {
			return
		}
		count, err := l.write(first, queued)
		l.settle(count, err)
		switch {
		case err == nil:
			l.opts.Durable(first + uint64(count))
		case errors.Is(err, vfs.ErrNoDirect): // known only now; the next attempt is another one
		case !l.pause():
			return
		}
	}
}

// waitForWork returns the queue, and the sequence number of its first record. It
// is empty when the log is closed.
func (l *Log) waitForWork() (first uint64, queued [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.mu.pending) == 0 && !l.mu.closing {
		l.mu.work.Wait()
	}
	return l.mu.durable, l.mu.pending[:len(l.mu.pending):len(l.mu.pending)]
}

// settle takes the first count records out of the queue, which are on the disk,
// or notes why there are none.
func (l *Log) settle(count int, err error) {
	if errors.Is(err, vfs.ErrNoDirect) {
		l.opts.Log.Warn("the file system of the log takes no direct writes; it writes and syncs instead", "err", err)
		l.buffered.Store(true)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch stalled := l.mu.stalled; {
	case err != nil:
		failuresTotal.Inc()
		if stalled == nil || stalled.Error() != err.Error() {
			l.opts.Log.Error("the log cannot be written; it tries again until it can", "record", l.mu.durable, "err", err)
		}
	case stalled != nil:
		l.opts.Log.Info("the log is written again", "record", l.mu.durable)
	}
	l.mu.stalled = err
	newest := l.writer.segment
	for _, payload := range l.mu.pending[:count] {
		newest.add(blocksFor(len(payload)))
	}
	l.mu.pending = append([][]byte(nil), l.mu.pending[count:]...)
	l.mu.durable += uint64(count)
	l.mu.room.Broadcast()
}

func (l *Log) writerEnds() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.written = true
	l.mu.spares.Broadcast()
}

// write brings records to the disk, with one write: as many of those queued as
// the segment has room for. After an error the same write can be repeated.
func (l *Log) write(first uint64, queued [][]byte) (count int, err error) {
	w := &l.writer
	if err := l.makeRoom(first, blocksFor(len(queued[0]))*vfs.BlockSize); err != nil {
		return 0, err
	}
	start := time.Now()
	count, parent := w.encode(first, queued)
	if err := l.put(w.buf, w.segment.end()); err != nil {
		return 0, err
	}
	w.parent = parent
	commitSeconds.UpdateDuration(start)
	bytesTotal.Add(len(w.buf))
	recordsTotal.Add(count)
	return count, nil
}

// encode fills the buffer with a group of records, and returns how many they are
// and the link of the last.
func (w *writer) encode(first uint64, queued [][]byte) (count int, parent Hash) {
	room := w.segment.size - w.segment.end()
	size := int64(0)
	for count < len(queued) && size+blocksFor(len(queued[count]))*vfs.BlockSize <= room {
		size += blocksFor(len(queued[count])) * vfs.BlockSize
		count++
	}
	if int64(cap(w.buf)) < size {
		w.buf = vfs.AlignedBytes(int(size))
	}
	w.buf = w.buf[:0]
	parent = w.parent
	for i, payload := range queued[:count] {
		head := recordHead{
			payloadSum: crc32.Checksum(payload, castagnoli),
			length:     uint32(len(payload)),
			salt:       w.segment.salt,
			seq:        first + uint64(i),
			group:      first,
			parent:     parent,
		}
		w.buf = appendRecord(w.buf, &head, payload)
		parent = head.link()
	}
	return count, parent
}

// put writes blocks to the newest segment, which are on the disk when it
// returns. Whatever fails, the next attempt begins with the file opened anew.
func (l *Log) put(blocks []byte, offset int64) error {
	w := &l.writer
	if w.file == nil {
		mode := vfs.Direct
		if l.buffered.Load() {
			mode = vfs.Write
		}
		file, err := l.opts.FS.Open(w.segment.path, mode)
		if err != nil {
			return err
		}
		w.file = file
	}
	_, err := w.file.WriteAt(blocks, offset)
	if err == nil && l.buffered.Load() {
		err = w.file.Sync()
	}
	if err != nil {
		return errors.Join(err, w.close())
	}
	return nil
}

// makeRoom begins the next segment if the newest has no room for size bytes.
func (l *Log) makeRoom(first uint64, size int64) error {
	w := &l.writer
	if w.segment != nil && w.segment.end()+size <= w.segment.size {
		return nil
	}
	spare, err := l.waitForSpare()
	if err != nil {
		return err
	}
	if err := l.enlarge(spare, vfs.BlockSize+size); err != nil {
		return err
	}
	previous := w.segment
	if err := errors.Join(w.close(), l.beginSegment(spare, first)); err != nil {
		w.segment = previous
		return err
	}
	l.useSpare()
	return nil
}

// beginSegment writes the header of a segment whose first record is first.
func (l *Log) beginSegment(s *segment, first uint64) error {
	w := &l.writer
	s.salt, s.first, w.segment = rand.Uint64(), first, s
	head := segmentHead{identity: l.opts.Identity, segment: s.number, salt: s.salt, first: first, parent: w.parent}
	block := head.append(vfs.AlignedBytes(vfs.BlockSize)[:0])
	return l.put(block[:vfs.BlockSize], 0)
}

// enlarge makes a spare segment large enough for a record of unusual size.
func (l *Log) enlarge(spare *segment, size int64) error {
	if spare.size >= size {
		return nil
	}
	file, err := l.opts.FS.Open(spare.path, vfs.Write)
	if err != nil {
		return err
	}
	return errors.Join(spare.fill(file, size), file.Close())
}

func (w *writer) close() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}
