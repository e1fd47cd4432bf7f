package memstate

import (
	"runtime"
	"testing"
	"time"

	"github.com/redline-evm/redline/tuning"
)

// regionCount is how many regions of the system's memory are held.
func regionCount(m *memory) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.regions)
}

// TestMemoryIsGivenBack drops a state while a view of it is held: only when that
// is gone, too, may the memory go.
func TestMemoryIsGivenBack(t *testing.T) {
	if region, err := tuning.Reserve(1, nil); onHeap || err != nil {
		t.Skip("memory is the collector's here")
	} else if err := region.Release(); err != nil {
		t.Fatal(err)
	}
	s := New()
	s.accounts.pairs.grow(1 << 16)
	v, m := s.Latest(), s.memory
	runtime.GC()
	if _, exists := v.Account(testAddr(0)); exists || regionCount(m) == 0 {
		t.Fatalf("got %d regions under a view; want some", regionCount(m))
	}
	runtime.KeepAlive(v)
	for regionCount(m) != 0 { // until the test's own time limit
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

// TestArena writes to every unit and reads all of them after each growth.
func TestArena(t *testing.T) {
	m := &memory{}
	defer m.release()
	a := newArena(m, 3*8)
	const units = 1 << 17
	count := uint64(0)
	for next := uint64(1); count < units; next = next*3/2 + 1 {
		a.grow(next)
		for ; count < next; count++ {
			words := (*[3]uint64)(a.at(count))
			if *words != ([3]uint64{}) {
				t.Fatalf("unit %d: got %v; want zeros", count, *words)
			}
			*words = [3]uint64{count, count + 1, count + 2}
		}
		for unit := range count {
			if words := (*[3]uint64)(a.at(unit)); *words != ([3]uint64{unit, unit + 1, unit + 2}) {
				t.Fatalf("of %d units, number %d: got %v", count, unit, *words)
			}
		}
	}
	if got := m.usage().Pages; got.Sum() < units*3*8 {
		t.Errorf("got %d bytes; want at least %d", got.Sum(), units*3*8)
	}
}
