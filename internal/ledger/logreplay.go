package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/redline-evm/redline/netio/wire"
)

// CorruptError says that the log is damaged at a place where no dying process
// can have damaged it.
type CorruptError struct {
	Path   string
	Offset int64
	Err    error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%q is corrupt at byte %d: %v; restore the file from a copy, or remove the ledger's directory to follow the chain anew", e.Path, e.Offset, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// replay hands the records to apply in order, with the offset after each and
// the size of the file. It cuts off what a dying process left after the last
// whole record.
//
// Damage is such a remainder exactly when no whole record follows it: the log
// is written from front to back.
func (g *recordLog) replay(logger *slog.Logger, apply func(rec wire.Record, end, size int64) error) error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	size, end := info.Size(), int64(logHeaderSize)
	r := bufio.NewReaderSize(io.NewSectionReader(g.file, end, size-end), 1<<20)
	for end < size {
		rec, length, err := readRecord(r)
		if errors.Is(err, errDamaged) {
			return g.cut(logger, end, size, err)
		} else if err != nil {
			return fmt.Errorf("cannot read %q: %w", g.path, err)
		}
		start := end
		end += length
		g.advance(end)
		if err := apply(rec, end, size); err != nil {
			return &CorruptError{Path: g.path, Offset: start, Err: err}
		}
	}
	return nil
}

// errDamaged marks bytes that are no record, as opposed to errors of the disk.
var errDamaged = errors.New("damaged record")

// readRecord reads the next record and returns how many bytes it takes up.
func readRecord(r io.Reader) (rec wire.Record, size int64, err error) {
	var head [recordHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return rec, 0, damagedByEOF(err)
	}
	length, ok := parseRecordHead(head[:])
	if !ok {
		return rec, 0, fmt.Errorf("%w: no length is there", errDamaged)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return rec, 0, damagedByEOF(err)
	}
	rec, err = wire.ParseRecord(body)
	if err != nil {
		return rec, 0, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return rec, int64(recordHead + length), nil
}

func damagedByEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the file ends inside it", errDamaged)
	}
	return err
}

// cut ends the log at offset end, where the damage begins, unless a whole
// record follows.
func (g *recordLog) cut(logger *slog.Logger, end, size int64, damage error) error {
	next, found, err := g.findRecord(end+1, size)
	if err != nil {
		return fmt.Errorf("cannot read %q: %w", g.path, err)
	}
	if found {
		return &CorruptError{Path: g.path, Offset: end, Err: fmt.Errorf("%w; the next whole record begins at byte %d", damage, next)}
	}
	logger.Warn("cut off a record that was not written to its end", "file", g.path, "offset", end, "bytes", size-end, "reason", damage)
	return errors.Join(g.file.Truncate(end), g.file.Sync())
}

// findRecord looks for a whole record that begins at or after offset from.
func (g *recordLog) findRecord(from, size int64) (offset int64, found bool, err error) {
	const chunk = 1 << 20
	buf := make([]byte, chunk+recordHead-1)
	for ; from+recordHead <= size; from += chunk {
		n, err := g.file.ReadAt(buf, from)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, false, err
		}
		for i := 0; i+recordHead <= n; i++ {
			length, ok := parseRecordHead(buf[i : i+recordHead])
			if !ok || length == 0 {
				continue
			}
			offset := from + int64(i)
			if _, _, err := readRecord(io.NewSectionReader(g.file, offset, size-offset)); err == nil {
				return offset, true, nil
			}
		}
	}
	return 0, false, nil
}
