package snapshotbench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/memstate"
)

const (
	transfersPerCommit = 1000
	accountsPerDiff    = 1 << 15 // when the state is built
	slotEvery          = 4       // of the accounts
)

// load is a state, and commits to it of transfers between its accounts, one
// after the other as fast as they go.
type load struct {
	state    *memstate.State
	accounts int
	random   *rand.Rand
	mini     uint64

	mu   sync.Mutex // held during a commit
	keep bool       // the diffs of commits
	kept []*chain.StateDiff
}

// newLoad builds the state.
func newLoad(accounts int) *load {
	l := &load{state: memstate.New(), accounts: accounts, random: rand.New(rand.NewPCG(1, 2))}
	for first := 0; first < accounts; first += accountsPerDiff {
		numbers := make([]int, min(accountsPerDiff, accounts-first))
		for i := range numbers {
			numbers[i] = first + i
		}
		d := l.diff(numbers)
		for i := range d.Accounts {
			if binary.LittleEndian.Uint64(d.Accounts[i].Address[:])%slotEvery == 0 {
				d.Accounts[i].Slots = []chain.SlotDiff{{Key: common.Hash{31: 7}, Value: *uint256.NewInt(l.random.Uint64() | 1)}}
			}
		}
		l.state.Commit(0, 0, d)
	}
	return l
}

// diff gives accounts new balances. Their numbers may repeat.
func (l *load) diff(numbers []int) *chain.StateDiff {
	d := &chain.StateDiff{Accounts: make([]chain.AccountDiff, len(numbers))}
	for i, number := range numbers {
		a := chain.AccountDiff{Address: address(number), Account: chain.NewAccount()}
		a.Account.Nonce = l.random.Uint64N(1000)
		a.Account.Balance = uint256.Int{l.random.Uint64(), l.random.Uint64N(100)}
		d.Accounts[i] = a
	}
	slices.SortFunc(d.Accounts, func(a, b chain.AccountDiff) int { return bytes.Compare(a.Address[:], b.Address[:]) })
	d.Accounts = slices.CompactFunc(d.Accounts, func(a, b chain.AccountDiff) bool { return a.Address == b.Address })
	return d
}

// address is that of an account: as spread as those of keys.
func address(number int) (addr common.Address) {
	const goldenRatio = 0x9E3779B97F4A7C15
	for i := range 3 {
		word := (uint64(number)*3 + uint64(i) + 1) * goldenRatio
		word ^= word >> 29
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], word*0xBF58476D1CE4E5B9)
		copy(addr[i*8:], b[:])
	}
	return addr
}

// commits are what was committed in a stretch of time.
type commits struct {
	took      []time.Duration // for each, ascending
	total     time.Duration
	processor time.Duration // that the commits used; on a shared machine total is more
}

// transfersIn is how many were committed in each second of a time.
func (c *commits) transfersIn(time time.Duration) float64 {
	return float64(len(c.took)*transfersPerCommit) / time.Seconds()
}

// quantile is how long the share q of all commits took at most, in microseconds.
func (c *commits) quantile(q float64) float64 {
	return float64(c.took[min(len(c.took)-1, int(q*float64(len(c.took))))].Nanoseconds()) / 1e3
}

// during commits as long as work takes. The making of the diffs does not count.
func (l *load) during(work func()) commits {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	runtime.LockOSThread() // for its processor time
	defer runtime.UnlockOSThread()
	var c commits
	for numbers := make([]int, 2*transfersPerCommit); ; {
		select {
		case <-done:
			slices.Sort(c.took)
			return c
		default:
		}
		for i := range numbers {
			numbers[i] = l.random.IntN(l.accounts)
		}
		d := l.diff(numbers)
		processor := evmbench.ProcessorTime()
		took := l.commit(d)
		c.took, c.total, c.processor = append(c.took, took), c.total+took, c.processor+evmbench.ProcessorTime()-processor
	}
}

func (l *load) commit(d *chain.StateDiff) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mini++
	start := time.Now()
	l.state.Commit(l.mini, uint64(start.Unix()), d)
	took := time.Since(start)
	if l.keep {
		l.kept = append(l.kept, d)
	}
	return took
}

// keepDiffs says whether the diffs of commits are kept from now on, and returns
// those that were kept before.
func (l *load) keepDiffs(keep bool) []*chain.StateDiff {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.kept
	l.keep, l.kept = keep, nil
	return kept
}

// compare applies to a restored state what was kept since, and reports what it
// does not have as the state has it.
func (l *load) compare(restored *memstate.State) error {
	for i, d := range l.keepDiffs(false) {
		restored.Commit(l.mini+uint64(i), restored.Latest().Block(), d)
	}
	want, got := l.state.Latest(), restored.Latest()
	for i := range l.accounts {
		addr, key := address(i), uint256.Int{7}
		a, exists := want.Account(addr)
		b, restored := got.Account(addr)
		if !exists || !restored || a != b || want.Storage(addr, key) != got.Storage(addr, key) {
			return fmt.Errorf("account %s was not restored: got %v; want %v", addr, b, a)
		}
	}
	return nil
}
