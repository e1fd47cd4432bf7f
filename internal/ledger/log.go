package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
)

// The log is one file, numbers big-endian:
//
//	+-----------+-----------------+-------------------+
//	| magic  8  | identity     32 | crc32c of both  4 |
//	+-----------+-----------------+-------------------+
//	| length 4  | crc32c of the length 4 | record      |  for each record
//	+-----------+------------------------+-------------+
//
// A record ends with a checksum of its own. The one of the length tells a
// record that ends too early from one whose length is damaged, and finds the
// next record after a damaged one.
const (
	logMagic      = "RLLEDG02"
	logHeaderSize = len(logMagic) + common.HashLength + 4
	recordHead    = 8
	recordSizeMax = 64 << 20
)

// recordLog is the open file. One goroutine appends; any may read what is
// appended.
type recordLog struct {
	file *os.File
	path string

	mu   sync.RWMutex
	ends []int64 // offset after each record

	buf    []byte // the appender's
	syncs  chan struct{}
	synced chan struct{} // closed when the syncer has ended
	failed atomic.Pointer[error]
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openLog opens the log at path, or creates it for the chain of that identity.
func openLog(path string, identity common.Hash) (*recordLog, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	g := &recordLog{file: file, path: path, syncs: make(chan struct{}, 1), synced: make(chan struct{})}
	go g.syncLoop()
	if err := g.settleHeader(identity); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// settleHeader checks the file's header, or writes it when the file is as short
// as one that was being created.
func (g *recordLog) settleHeader(identity common.Hash) error {
	want := append([]byte(logMagic), identity[:]...)
	want = binary.BigEndian.AppendUint32(want, crc32.Checksum(want, castagnoli))
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < int64(logHeaderSize) {
		if _, err := g.file.WriteAt(want, 0); err != nil {
			return err
		}
		return g.file.Sync()
	}
	got := make([]byte, logHeaderSize)
	if _, err := g.file.ReadAt(got, 0); err != nil {
		return err
	}
	sum := crc32.Checksum(got[:logHeaderSize-4], castagnoli)
	switch {
	case binary.BigEndian.Uint32(got[logHeaderSize-4:]) != sum:
		return &CorruptError{Path: g.path, Offset: 0, Err: errors.New("the header is damaged")}
	case string(got[:len(logMagic)]) != logMagic:
		return fmt.Errorf("cannot read %q: got format %q; want %q", g.path, got[:len(logMagic)], logMagic)
	case string(got) != string(want):
		return fmt.Errorf("%w: %q is of chain %x; want %x", ErrOtherGenesis, g.path, got[len(logMagic):logHeaderSize-4], identity)
	}
	return nil
}

// count is the number of records.
func (g *recordLog) count() uint64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return uint64(len(g.ends))
}

func (g *recordLog) end() int64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.endLocked(uint64(len(g.ends)))
}

// endLocked is the offset at which record seq begins and the one before ends.
func (g *recordLog) endLocked(seq uint64) int64 {
	if seq == 0 {
		return int64(logHeaderSize)
	}
	return g.ends[seq-1]
}

// append writes a record at the end. What a failed write left there is
// overwritten by the next.
func (g *recordLog) append(record []byte) error {
	if err := g.failed.Load(); err != nil {
		return *err
	}
	if len(record) > recordSizeMax {
		return fmt.Errorf("cannot write a record of %d bytes; want at most %d", len(record), recordSizeMax)
	}
	g.buf = appendRecordHead(g.buf[:0], len(record))
	g.buf = append(g.buf, record...)
	end := g.end()
	if _, err := g.file.WriteAt(g.buf, end); err != nil {
		return err
	}
	g.advance(end + int64(len(g.buf)))
	return nil
}

func (g *recordLog) advance(end int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ends = append(g.ends, end)
}

func appendRecordHead(dst []byte, length int) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(length))
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// parseRecordHead returns the length in a record's head; ok is false when it is
// none that was written.
func parseRecordHead(head []byte) (length int, ok bool) {
	size := binary.BigEndian.Uint32(head)
	sum := binary.BigEndian.Uint32(head[4:])
	return int(size), sum == crc32.Checksum(head[:4], castagnoli) && size <= recordSizeMax
}

// read returns consecutive records from sequence number from on: at least one,
// then as many as fit in sizeMax bytes and are there. The record from exists.
func (g *recordLog) read(from uint64, sizeMax int) ([][]byte, error) {
	start, ends := g.span(from, sizeMax)
	data := make([]byte, ends[len(ends)-1]-start)
	if _, err := g.file.ReadAt(data, start); err != nil {
		return nil, fmt.Errorf("cannot read record %d of %q: %w", from, g.path, err)
	}
	records := make([][]byte, len(ends))
	at := int64(0)
	for i, end := range ends {
		records[i] = data[at+recordHead : end-start : end-start]
		at = end - start
	}
	return records, nil
}

// span returns where record from begins and where it and those after it end.
func (g *recordLog) span(from uint64, sizeMax int) (start int64, ends []int64) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	start = g.endLocked(from)
	next := from + 1
	for next < uint64(len(g.ends)) && g.ends[next]-start <= int64(sizeMax) {
		next++
	}
	return start, append(ends, g.ends[from:next]...)
}

// sizeBytes is the size of count records from sequence number from on.
func (g *recordLog) sizeBytes(from, count uint64) int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return int(g.endLocked(from+count) - g.endLocked(from))
}

// syncSoon makes the syncer bring the file to the disk. The appender does not
// wait: a sync can take longer than a mini-block may.
func (g *recordLog) syncSoon() {
	select {
	case g.syncs <- struct{}{}:
	default: // one that has not begun will do
	}
}

// syncLoop syncs until syncs is closed. After a failed sync nobody knows what
// is on the disk; no record is taken any more.
func (g *recordLog) syncLoop() {
	defer close(g.synced)
	for range g.syncs {
		if err := g.file.Sync(); err != nil {
			err = fmt.Errorf("cannot sync %q: %w", g.path, err)
			g.failed.Store(&err)
			return
		}
	}
}

func (g *recordLog) close() error {
	close(g.syncs)
	<-g.synced
	return errors.Join(g.file.Sync(), g.file.Close())
}
