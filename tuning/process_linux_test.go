package tuning

import (
	"context"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// allowed are the processors that the calling thread may run on.
func allowed(t *testing.T) IDSet {
	t.Helper()
	set := unix.NewCPUSet(idMax)
	if err := unix.SchedGetaffinityDynamic(0, set); err != nil {
		t.Fatal(err)
	}
	var ids []int
	for id := range idMax {
		if set.IsSet(id) {
			ids = append(ids, id)
		}
	}
	return NewIDSet(ids...)
}

func TestPinThread(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with the goroutine
		last := IDSet{allowed(t)[len(allowed(t))-1]}
		if err := PinThread(last); err != nil {
			t.Error(err)
		}
		if got := allowed(t); got.String() != last.String() {
			t.Errorf("got %v; want %v", got, last)
		}
		if err := SetTimerSlack(1000); err != nil {
			t.Error(err)
		}
		if slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err != nil || slack != 1000 {
			t.Errorf("got slack %d, %v", slack, err)
		}
	}()
	<-done
	if err := PinThread(nil); err == nil {
		t.Error("got no error for no processor")
	}
	if err := PinThread(IDSet{idMax - 1}); err == nil {
		t.Error("got no error for a processor that is not there")
	}
}

// TestPinProcess pins all threads, those of other goroutines too.
func TestPinProcess(t *testing.T) {
	before := allowed(t)
	defer func() {
		if err := PinProcess(before); err != nil {
			t.Error(err)
		}
	}()
	first := before[:1]
	var started, asked, all sync.WaitGroup
	asked.Add(1)
	for range 3 {
		started.Add(1)
		all.Go(func() {
			runtime.LockOSThread()
			started.Done()
			asked.Wait()
			if got := allowed(t); got.String() != first.String() {
				t.Errorf("got %v; want %v", got, first)
			}
		})
	}
	started.Wait()
	if err := PinProcess(first); err != nil {
		t.Fatal(err)
	}
	asked.Done()
	all.Wait()
}

// mapMemory maps memory outside of the Go heap.
func mapMemory(t *testing.T, size int) []byte {
	t.Helper()
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(mem); err != nil {
			t.Error(err)
		}
	})
	return mem
}

// addressOf is where the bytes are, for a system call.
func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func resident(t *testing.T, mem []byte) (pages int) {
	t.Helper()
	vec := make([]byte, (len(mem)+os.Getpagesize()-1)/os.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, addressOf(mem), uintptr(len(mem)), addressOf(vec)); errno != 0 {
		t.Fatal(errno)
	}
	for _, v := range vec {
		pages += int(v & 1)
	}
	return pages
}

func TestPrefault(t *testing.T) {
	size := 2*prefaultChunkBytes + 3*os.Getpagesize()
	mem := mapMemory(t, size)
	mem[5], mem[size-1] = 7, 9
	var told []uint64
	if err := Prefault(context.Background(), mem, 3, func(done uint64) { told = append(told, done) }); err != nil {
		t.Fatal(err)
	}
	if got := resident(t, mem); got != size/os.Getpagesize() {
		t.Errorf("got %d pages; want %d", got, size/os.Getpagesize())
	}
	if mem[5] != 7 || mem[size-1] != 9 {
		t.Error("what was there is gone")
	}
	if len(told) != 3 || told[2] != uint64(size) || told[0] >= told[1] {
		t.Errorf("got progress %v; want three steps to %d", told, size)
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Prefault(stopped, mapMemory(t, size), 1, nil); err == nil {
		t.Error("got no error when stopped")
	}
}

// TestTouch is the way of kernels that cannot populate.
func TestTouch(t *testing.T) {
	mem := mapMemory(t, 16*os.Getpagesize())
	touch(mem)
	if got := resident(t, mem); got != 16 {
		t.Errorf("got %d pages; want 16", got)
	}
}

func TestPlacement(t *testing.T) {
	m, err := ReadMachine(OpenSystem("/"), "")
	if err != nil {
		t.Fatal(err)
	}
	nodes := IDSet{m.Nodes[0].ID}
	for _, placement := range []Placement{Preferred, Bound, Interleaved, Local} {
		mem := mapMemory(t, 4*os.Getpagesize())
		err := PlaceMemory(mem, placement, nodes)
		if err != nil && strings.Contains(err.Error(), unix.ENOSYS.Error()) {
			t.Log("a kernel without memory nodes")
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		mem[0] = 1
		if node, err := NodeOf(mem); err != nil || placement != Local && node != nodes[0] {
			t.Errorf("placement %d: got node %d, %v; want %v", placement, node, err, nodes)
		}
	}
	if err := PlaceMemory(mapMemory(t, 4096), Bound, IDSet{1000}); err == nil {
		t.Error("got no error for a node that is not there")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with the goroutine
		for _, placement := range []Placement{Interleaved, Local} {
			if err := PlaceThread(placement, nodes); err != nil {
				t.Error(err)
			}
		}
	}()
	<-done
}

func TestLockMemory(t *testing.T) {
	mem := mapMemory(t, 4*os.Getpagesize())
	if err := LockMemory(mem); err != nil {
		t.Fatal(err)
	}
	if got := resident(t, mem); got != 4 {
		t.Errorf("got %d pages; want 4", got)
	}
}
