//go:build linux && amd64

package amd64

import (
	"runtime"
	"testing"
	"unsafe"
)

func TestOffsets(t *testing.T) {
	var ctx Context
	check := func(name string, got uintptr, want int) {
		t.Helper()
		if int(got) != want {
			t.Errorf("%s is at %d; generated code has it at %d", name, got, want)
		}
	}
	check("exit", unsafe.Offsetof(ctx.exit), ctxExit)
	check("resume", unsafe.Offsetof(ctx.resume), ctxResume)
}

func newMemory(t testing.TB) *Memory {
	t.Helper()
	m, err := NewMemory(0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(m.Close)
	return m
}

// install installs what put makes and returns its address.
func install(t testing.TB, m *Memory, put func(a *assembler)) uintptr {
	t.Helper()
	p, err := m.install(assemble(put))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.arena.release)
	return uintptr(unsafe.Pointer(&p.code[0]))
}

// leave leaves with an exit code; the next entry goes to the code behind it.
func leave(a *assembler, code int32) {
	resume := a.newLabel()
	a.leaLabel(rax, resume)
	a.store(at(rdi, ctxResume), rax)
	a.storeI(at(rdi, ctxExit), code)
	a.ret()
	a.bind(resume)
}

func TestEnter(t *testing.T) {
	m := newMemory(t)
	ctx := &Context{}
	code := install(t, m, func(a *assembler) {
		for _, r := range registers { // all but RSP and RDI may change
			if r != rsp && r != rdi {
				a.movI(r, 0xdead0000+uint64(r))
			}
		}
		for disp := int32(8); disp < frameBytes; disp += 8 { // and so may the frame
			a.storeI(at(rsp, disp), -1)
		}
		leave(a, 1)
		leave(a, 2)
	})
	for want := uint64(1); want <= 2; want++ {
		enter(ctx, code)
		if ctx.exit != want {
			t.Errorf("left with %d; want %d", ctx.exit, want)
		}
		runtime.GC()
		code = ctx.resume
	}
}

// TestSupported wants generated code to run wherever the tests do.
func TestSupported(t *testing.T) {
	if err := supported(); err != nil {
		t.Skip(err)
	}
	if _, err := NewMemory(0); err != nil {
		t.Error(err)
	}
}

// BenchmarkRoundTrip is an exit and a re-entry with the work that Go does for
// them.
func BenchmarkRoundTrip(b *testing.B) {
	ctx := &Context{}
	code := install(b, newMemory(b), func(a *assembler) {
		loop := a.here()
		leave(a, 1)
		a.jmp(loop)
	})
	ctx.resume = code
	for b.Loop() {
		enter(ctx, ctx.resume)
		if ctx.exit != 1 {
			b.Fatal("left with another exit code")
		}
	}
}
