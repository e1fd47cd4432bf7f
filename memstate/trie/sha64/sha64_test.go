package sha64

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestKernels hashes the same messages by each kernel, in all numbers up to some
// groups, and compares with crypto/sha256.
func TestKernels(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{1})
	messages := make([][MessageSize]byte, 3*lanesMax+1)
	want := make([][DigestSize]byte, len(messages))
	for i := range messages {
		rng.Read(messages[i][:])
		want[i] = sha256.Sum256(messages[i][:])
	}
	for _, k := range kernels() {
		t.Run(k.name, func(t *testing.T) {
			p := plan{wide: k, narrow: k}
			for count := range len(messages) + 1 {
				got := make([][DigestSize]byte, count)
				p.sum(got, messages[:count])
				for i := range got {
					if got[i] != want[i] {
						t.Fatalf("message %d of %d: got %x; want %x", i, count, got[i], want[i])
					}
				}
			}
		})
	}
}

// TestSumLarge runs the chosen plan over more than assembly does at a time.
func TestSumLarge(t *testing.T) {
	messages := make([][MessageSize]byte, 2*groupBytesMax/MessageSize+5)
	for i := range messages {
		messages[i][0], messages[i][1] = byte(i), byte(i>>8)
	}
	digests := make([][DigestSize]byte, len(messages))
	Sum(digests, messages)
	for i := range messages {
		if want := sha256.Sum256(messages[i][:]); digests[i] != want {
			t.Fatalf("message %d: got %x; want %x", i, digests[i], want)
		}
	}
}

func TestSumDoesNotAllocate(t *testing.T) {
	messages := make([][MessageSize]byte, 37)
	digests := make([][DigestSize]byte, len(messages))
	if got := testing.AllocsPerRun(10, func() { Sum(digests, messages) }); got != 0 {
		t.Errorf("got %v allocations; want 0", got)
	}
}

func BenchmarkKernels(b *testing.B) {
	messages := make([][MessageSize]byte, 1024)
	digests := make([][DigestSize]byte, len(messages))
	for _, k := range kernels() {
		b.Run(fmt.Sprintf("%s/%d", k.name, len(messages)), func(b *testing.B) {
			for b.Loop() {
				k.full(digests, messages)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(messages)), "ns/hash")
		})
	}
}

// BenchmarkStandardAfter shows that crypto/sha256 is as fast after a kernel as
// without.
func BenchmarkStandardAfter(b *testing.B) {
	messages := make([][MessageSize]byte, lanesMax)
	digests := make([][DigestSize]byte, len(messages))
	for _, k := range kernels() {
		b.Run(k.name, func(b *testing.B) {
			for b.Loop() {
				k.full(digests, messages)
				digests[0] = sha256.Sum256(messages[0][:])
			}
		})
	}
}
