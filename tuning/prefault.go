package tuning

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"
)

// prefaultChunkBytes is what is asked of the kernel at once: some tens of
// milliseconds, between which a caller can stop it and sees progress.
const prefaultChunkBytes = 64 << 20

// Prefault puts pages behind all of mem, so that nobody waits for one later. It
// takes about 0.3 s a GiB on one processor; workers share the work. What mem
// holds stays as it is, even if others write it meanwhile. progress, unless nil,
// is told the bytes that are done, from one worker at a time. mem begins at a
// page.
func Prefault(ctx context.Context, mem []byte, workers int, progress func(doneBytes uint64)) error {
	var (
		next, done atomic.Uint64
		mu         sync.Mutex // makes calls of progress one after the other
		all        sync.WaitGroup
	)
	for range max(workers, 1) {
		all.Go(func() {
			for ctx.Err() == nil {
				start := (next.Add(1) - 1) * prefaultChunkBytes
				if start >= uint64(len(mem)) {
					return
				}
				chunk := mem[start:min(start+prefaultChunkBytes, uint64(len(mem)))]
				if faultIn(chunk) != nil {
					touch(chunk)
				}
				mu.Lock()
				total := done.Add(uint64(len(chunk)))
				if progress != nil {
					progress(total)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

// touch writes to each page without changing it.
func touch(mem []byte) {
	for at := 0; at+4 <= len(mem); at += os.Getpagesize() {
		atomic.AddUint32((*uint32)(unsafe.Pointer(&mem[at])), 0)
	}
}
