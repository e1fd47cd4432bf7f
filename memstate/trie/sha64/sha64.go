// Package sha64 computes SHA-256 (FIPS 180-4) of messages of exactly 64 bytes,
// many at a time: the nodes of a binary hash tree. Such a message takes two
// blocks, of which the second is the same for all.
//
// It knows bytes and processors, not trees. Everything may be called from any
// goroutine.
package sha64

import (
	"crypto/sha256"
	"time"
	"unsafe"
)

//go:generate go run ./internal/gen

// Sizes in bytes.
const (
	MessageSize = 64
	DigestSize  = 32
)

// Sum sets each digest to the hash of the message with the same index. There are
// as many digests as messages; the two may not overlap.
func Sum(digests [][DigestSize]byte, messages [][MessageSize]byte) {
	if len(digests) != len(messages) {
		panic("BUG: sha64: as many digests as messages are needed")
	}
	best.sum(digests, messages)
}

// Backend is the name of the code that Sum runs: the one that was fastest on this
// processor when the program started.
func Backend() string { return best.wide.name }

// kernel is one way to hash. A group is as many messages as it takes at a time.
// What it runs is found by a switch, not through a function value, for the
// compiler to see that nothing escapes.
type kernel struct {
	name  string
	lanes int
}

// generic is what every processor can do.
var generic = kernel{"generic", 1}

func runGeneric(digests *[DigestSize]byte, messages *[MessageSize]byte, groups int) {
	d, m := unsafe.Slice(digests, groups), unsafe.Slice(messages, groups)
	for i := range m {
		d[i] = sha256.Sum256(m[i][:])
	}
}

// plan hashes by a wide kernel as long as its lanes are filled, and by a narrow
// one after that.
type plan struct{ wide, narrow kernel }

var best = choose(kernels())

// groupBytesMax bounds how long assembly runs before the scheduler gets its
// turn: some 30 microseconds.
const groupBytesMax = 64 << 10

func (p *plan) sum(digests [][DigestSize]byte, messages [][MessageSize]byte) {
	done := p.wide.full(digests, messages)
	digests, messages = digests[done:], messages[done:]
	if len(messages)*2 > p.wide.lanes {
		p.wide.padded(digests, messages)
		return
	}
	done = p.narrow.full(digests, messages)
	if done < len(messages) {
		p.narrow.padded(digests[done:], messages[done:])
	}
}

// full hashes all full groups and returns the number of their messages.
func (k *kernel) full(digests [][DigestSize]byte, messages [][MessageSize]byte) (done int) {
	for groups := len(messages) / k.lanes; groups > 0; {
		run := min(groups, groupBytesMax/MessageSize/k.lanes)
		k.run(&digests[done], &messages[done], run)
		done += run * k.lanes
		groups -= run
	}
	return done
}

// padded hashes less than a group.
func (k *kernel) padded(digests [][DigestSize]byte, messages [][MessageSize]byte) {
	var out [lanesMax][DigestSize]byte
	var in [lanesMax][MessageSize]byte
	copy(in[:], messages)
	k.run(&out[0], &in[0], 1)
	copy(digests, out[:])
}

const lanesMax = 16

// choose times the kernels. Processors differ in which is fastest: one with both
// may be twice as fast with 16 lanes as with its instructions for SHA-256, or not.
func choose(all []kernel) (p plan) {
	var messages [8 * lanesMax][MessageSize]byte
	var digests [8 * lanesMax][DigestSize]byte
	fastest := time.Duration(1<<63 - 1)
	for _, k := range all {
		if k.lanes < lanesMax {
			p.narrow = k // they come in ascending order of speed
		}
		took := time.Duration(1<<63 - 1)
		for range 5 {
			start := time.Now()
			k.full(digests[:], messages[:])
			took = min(took, time.Since(start))
		}
		if took < fastest {
			fastest, p.wide = took, k
		}
	}
	return p
}
