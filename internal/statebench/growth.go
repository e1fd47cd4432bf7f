package statebench

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/evmbench"
)

// durations is a histogram of times, with eight steps to an octave.
type durations struct {
	counts  [64 * 8]uint64
	total   uint64
	longest time.Duration
}

func (d *durations) add(t time.Duration) {
	d.counts[int(8*math.Log2(float64(max(t, 1))))]++
	d.total++
	d.longest = max(d.longest, t)
}

// quantile is the time that a part of all was not longer than, rounded up to a
// step of the histogram.
func (d *durations) quantile(part float64) time.Duration {
	left := uint64(math.Ceil(part * float64(d.total)))
	for i, n := range d.counts {
		if n >= left {
			return min(d.longest, time.Duration(math.Exp2(float64(i+1)/8)))
		}
		left -= n
	}
	return d.longest
}

// measureGrowth builds the state slot by slot. Each is a commit of its own: none
// may wait long, whatever grows with it.
func (b *bench) measureGrowth(ctx context.Context) error {
	var all, processor durations
	var perSlot []float64
	a := chain.AccountDiff{Account: chain.NewAccount(), Slots: make([]chain.SlotDiff, 1)}
	d := &chain.StateDiff{Accounts: []chain.AccountDiff{a}}
	last, lastProcessor := time.Now(), evmbench.ProcessorTime()
	for i := range b.keys.count {
		key := b.keys.key(i)
		d.Accounts[0].Address = key.Address
		d.Accounts[0].Slots[0] = chain.SlotDiff{Key: key.Key.Bytes32(), Value: b.keys.value(i)}
		b.state.Commit(i, 0, d)
		now, nowProcessor := time.Now(), evmbench.ProcessorTime()
		all.add(now.Sub(last))
		processor.add(nowProcessor - lastProcessor)
		last, lastProcessor = now, nowProcessor
		if part := b.keys.count / 100; part > 0 && i%part == part-1 {
			if i >= b.keys.count/2 {
				perSlot = append(perSlot, b.bytesPerSlot())
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if len(perSlot) == 0 {
		perSlot = append(perSlot, b.bytesPerSlot())
	}
	b.add("bytes_per_slot/"+b.size+"/redline", "B", b.bytesPerSlot())
	b.add("bytes_per_slot_growing/"+b.size+"/redline", "B", perSlot...)
	b.report.Settings["memory_mb"] = pageSettings(b.state.Size().Memory.Pages)
	us := func(t time.Duration) float64 { return float64(t) / 1e3 }
	b.add("growth_us_p50/"+b.size+"/redline", "us", us(all.quantile(0.5)))
	b.add("growth_us_p9999/"+b.size+"/redline", "us", us(all.quantile(0.9999)))
	b.add("growth_us_max/"+b.size+"/redline", "us", us(all.longest))
	b.add("growth_processor_us_p50/"+b.size+"/redline", "us", us(processor.quantile(0.5)))
	b.add("growth_processor_us_p9999/"+b.size+"/redline", "us", us(processor.quantile(0.9999)))
	b.add("growth_processor_us_max/"+b.size+"/redline", "us", us(processor.longest))
	return nil
}

// bytesPerSlot counts all memory of the state, that of accounts and what is mapped
// ahead with it.
func (b *bench) bytesPerSlot() float64 {
	size := b.state.Size()
	return float64(size.Memory.Pages.Sum()) / float64(size.Slots)
}

// collections is how many garbage collections are measured.
const collections = 5

// measureCollection measures what the collector does with the state loaded.
func (b *bench) measureCollection(context.Context) error {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC() // what growth left behind
	var ms, heap []float64
	for range collections {
		before := collectorTime()
		runtime.GC()
		ms = append(ms, 1e3*(collectorTime()-before))
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		heap = append(heap, float64(stats.HeapAlloc)/1e6)
	}
	b.add("gc_cpu_ms/"+b.size+"/redline", "ms", ms...)
	b.add("heap_mb/"+b.size+"/redline", "MB", heap...)
	return nil
}

// collectorTime is the processor time that the collector has used, in seconds.
func collectorTime() float64 {
	samples := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/idle:cpu-seconds"}}
	metrics.Read(samples)
	return samples[0].Value.Float64() - samples[1].Value.Float64()
}
