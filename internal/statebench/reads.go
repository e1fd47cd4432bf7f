package statebench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/memstate"
)

const (
	readsPerRound = 1 << 17
	readBatch     = 64 // slots that are asked for together

	// linesPerRead is how many cache lines of memory a slot's read takes: one of the
	// index, the record, and its key beside it.
	linesPerRead = 3
)

// sample is reads of one round. Each round has other slots, so that none is near
// from the round before.
type sample struct {
	numbers []uint64
	keys    []memstate.SlotKey
}

func (b *bench) sample(random *rand.Rand, count int) sample {
	s := sample{make([]uint64, count), make([]memstate.SlotKey, count)}
	for i := range s.numbers {
		s.numbers[i] = below(random.Uint64(), b.keys.count)
		s.keys[i] = b.keys.key(s.numbers[i])
	}
	return s
}

// reads are nanoseconds of a read, a value for each round, by the row's name.
type reads map[string][]float64

// measureReads lets the contenders read in turn, round by round.
func (b *bench) measureReads(ctx context.Context) error {
	memory, err := newRawMemory(b.keys.count)
	if err != nil {
		return err
	}
	defer memory.close()
	var peer *pebbleStore
	if b.opts.Dir != "" {
		b.opts.Progress("filling Pebble")
		if peer, err = newPebbleStore(ctx, b.opts.Dir, b.keys); err != nil {
			return err
		}
		defer peer.close()
	}
	random := rand.New(rand.NewPCG(5, 6))
	all := reads{}
	for round := range b.opts.Rounds {
		b.opts.Progress(fmt.Sprintf("reads, round %d of %d", round+1, b.opts.Rounds))
		if err := b.readRound(all, random, memory, peer); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	b.addReads(all)
	return nil
}

// The rows of reads, in their order.
const (
	randomRedline  = "read_ns/random/redline"
	randomDRAM     = "read_ns/random/dram"
	randomCold     = "read_ns/random/pebble_cold"
	randomWarm     = "read_ns/random/pebble_warm"
	batchedRedline = "read_ns/batched/redline"
	batchedDRAM    = "read_ns/batched/dram"
	fetchRedline   = "read_ns/prefetched/redline"
)

func (b *bench) addReads(all reads) {
	for _, name := range []string{randomRedline, randomDRAM, randomCold, randomWarm, batchedRedline, fetchRedline, batchedDRAM} {
		if values := all[name]; values != nil {
			b.add(name, "ns", values...)
		}
	}
	ratio := func(name, above, below string, factor float64) {
		var values []float64
		for i := range min(len(all[above]), len(all[below])) {
			values = append(values, factor*all[above][i]/all[below][i])
		}
		if values != nil {
			b.add(name, "x", values...)
		}
	}
	ratio("ratio/random/pebble_cold_over_redline", randomCold, randomRedline, 1)
	ratio("ratio/random/pebble_warm_over_redline", randomWarm, randomRedline, 1)
	ratio("ratio/batched/dram_over_redline", batchedDRAM, batchedRedline, 1)
	ratio("dram_rate/batched_lines/redline", batchedDRAM, batchedRedline, linesPerRead)
	b.report.Settings["lines_per_read"] = linesPerRead
}

func (b *bench) readRound(all reads, random *rand.Rand, memory *rawMemory, peer *pebbleStore) error {
	add := func(name string, ns float64) { all[name] = append(all[name], ns) }
	view := b.state.Latest()
	s := b.sample(random, readsPerRound)
	one, err := b.readOneByOne(s, func(key *memstate.SlotKey) (uint256.Int, error) {
		return view.Storage(key.Address, key.Key), nil
	})
	if err != nil {
		return err
	}
	add(randomRedline, one)
	add(randomDRAM, memory.dependent(readsPerRound))
	s = b.sample(random, readsPerRound)
	batched, err := b.readBatches(view, s)
	if err != nil {
		return err
	}
	add(batchedRedline, batched)
	add(batchedDRAM, memory.independent(readsPerRound*linesPerRead))
	add(fetchRedline, readPrefetched(view, b.sample(random, readsPerRound)))
	if peer == nil {
		return nil
	}
	return b.readPeer(add, b.sample(random, pebbleReads), peer)
}

// readPeer reads the same slots twice: from disk, and from Pebble's cache.
func (b *bench) readPeer(add func(string, float64), s sample, peer *pebbleStore) error {
	for _, form := range []struct {
		name string
		open func() error
	}{{randomCold, peer.openCold}, {randomWarm, func() error { return peer.openWarm(s.keys) }}} {
		if err := form.open(); err != nil {
			return err
		}
		ns, err := b.readOneByOne(s, peer.read)
		if err != nil {
			return err
		}
		add(form.name, ns)
	}
	return nil
}

// readOneByOne is the median time of a read, in nanoseconds. Each value is checked.
func (b *bench) readOneByOne(s sample, read func(*memstate.SlotKey) (uint256.Int, error)) (float64, error) {
	times := make([]time.Duration, len(s.keys))
	for i := range s.keys {
		start := time.Now()
		got, err := read(&s.keys[i])
		times[i] = time.Since(start)
		if err != nil {
			return 0, err
		}
		if want := b.keys.value(s.numbers[i]); got != want {
			return 0, fmt.Errorf("slot %d: got %s; want %s", s.numbers[i], &got, &want)
		}
	}
	return medianNs(times), nil
}

// readBatches is the median time of a read among many that are asked for together.
func (b *bench) readBatches(view *memstate.View, s sample) (float64, error) {
	values := make([]uint256.Int, len(s.keys))
	var times []time.Duration
	for from := 0; from+readBatch <= len(s.keys); from += readBatch {
		start := time.Now()
		view.Storages(s.keys[from:from+readBatch], values[from:from+readBatch])
		times = append(times, time.Since(start))
	}
	for i, number := range s.numbers {
		if got, want := values[i], b.keys.value(number); got != want {
			return 0, fmt.Errorf("slot %d: got %s; want %s", number, &got, &want)
		}
	}
	return medianNs(times) / readBatch, nil
}

// readPrefetched is the median time of a read by itself of a slot that was
// prefetched with others, as execution reads; prefetching is not in it.
func readPrefetched(view *memstate.View, s sample) float64 {
	const predicted = 16
	var times []time.Duration
	for from := 0; from+predicted <= len(s.keys); from += predicted {
		view.Prefetch(s.keys[from : from+predicted])
		start := time.Now()
		for i := from; i < from+predicted; i++ {
			view.Storage(s.keys[i].Address, s.keys[i].Key)
		}
		times = append(times, time.Since(start))
	}
	return medianNs(times) / predicted
}

func medianNs(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2])
}
