package tuning

import (
	"fmt"
	"sync/atomic"
)

// MemoryPolicy says how regions take their memory. One may serve many of them;
// nil leaves all to the kernel. What the system refuses is told and not asked for
// again: the memory serves without.
type MemoryPolicy struct {
	Nodes   IDSet       // the nodes that get the pages in turn; none: the kernel decides
	Lock    bool        // pages are never swapped out
	Refused func(error) // is told once of each refusal what to do about it; may be nil

	placeRefused, lockRefused atomic.Bool
}

const (
	placeAdvice = "in a container add the capability SYS_NICE, or leave the nodes to the kernel"
	lockAdvice  = "allow more locked memory (LimitMEMLOCK=infinity in a service, ulimit -l unlimited in a shell, --ulimit memlock=-1 for a container), or do not lock"
)

// apply makes the policy that of memory that was mapped and not yet touched, and
// says what it got.
func (p *MemoryPolicy) apply(mem []byte, kind PageKind) (placed, locked bool) {
	if p == nil {
		return false, false
	}
	placed = len(p.Nodes) > 0 && p.ask(&p.placeRefused, placeAdvice, func() error {
		return PlaceMemory(mem, Interleaved, p.Nodes)
	})
	locked = p.Lock && (kind == ReservedPages || // the kernel never swaps them out
		p.ask(&p.lockRefused, lockAdvice, func() error { return lockTouched(mem) }))
	return placed, locked
}

// ask asks the system for something unless it has refused before.
func (p *MemoryPolicy) ask(refused *atomic.Bool, advice string, request func() error) (granted bool) {
	if refused.Load() {
		return false
	}
	err := request()
	if err != nil && refused.CompareAndSwap(false, true) && p.Refused != nil {
		p.Refused(fmt.Errorf("%w; %s", err, advice))
	}
	return err == nil
}
