package statebench

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/redline-evm/redline/tuning"
)

const (
	lineBytes     = 64
	bytesPerSlot  = 96 // of records and keys, which reads go to
	readsPerTimer = 64
)

// rawMemory is as much memory as the records of the state, on the same kind of
// pages: what reads of it take is what the machine can do.
type rawMemory struct {
	lines   [][lineBytes / 8]uint64
	release func() error
}

func newRawMemory(slots uint64) (*rawMemory, error) {
	size := uintptr(slots * bytesPerSlot)
	region, err := tuning.Reserve(size, nil)
	if err != nil {
		return &rawMemory{make([][lineBytes / 8]uint64, size/lineBytes+1), func() error { return nil }}, nil
	}
	if err := region.Grow(size); err != nil {
		return nil, fmt.Errorf("cannot map memory to compare with: %w", err)
	}
	m := &rawMemory{unsafe.Slice((*[lineBytes / 8]uint64)(region.Base()), size/lineBytes+1), region.Release}
	for i := range m.lines {
		m.lines[i][0] = 0 // puts a page behind it
	}
	return m, nil
}

func (m *rawMemory) close() {
	if err := m.release(); err != nil {
		panic("BUG: " + err.Error())
	}
}

// dependent is the median time of a read that has to wait for the one before, in
// nanoseconds.
func (m *rawMemory) dependent(count int) float64 {
	at := uint64(time.Now().UnixNano())
	return timed(count, func() {
		for range readsPerTimer {
			at = mix(at + m.lines[below(at, uint64(len(m.lines)))][0])
		}
	})
}

// independent is the median time of a read among many that do not wait for each
// other.
func (m *rawMemory) independent(count int) float64 {
	at, sum := uint64(time.Now().UnixNano()), uint64(0)
	ns := timed(count, func() {
		for range readsPerTimer {
			at += 0x9E3779B97F4A7C15
			sum += m.lines[below(at*0xBF58476D1CE4E5B9, uint64(len(m.lines)))][0]
		}
	})
	m.lines[0][1] = sum // so that the reads are not left out
	return ns
}

func timed(count int, reads func()) float64 {
	times := make([]time.Duration, count/readsPerTimer)
	for i := range times {
		start := time.Now()
		reads()
		times[i] = time.Since(start)
	}
	return medianNs(times) / readsPerTimer
}
