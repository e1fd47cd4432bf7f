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
	check("top", unsafe.Offsetof(ctx.top), ctxTop)
	check("Gas", unsafe.Offsetof(ctx.Gas), ctxGas)
	check("registers", unsafe.Offsetof(ctx.registers), ctxRegisters)
	check("base", unsafe.Offsetof(ctx.base), ctxBase)
	check("routines", unsafe.Offsetof(ctx.routines), ctxRoutines)
	check("memo", unsafe.Offsetof(ctx.memo), ctxMemo)
	check("need", unsafe.Offsetof(ctx.need), ctxNeed)
	check("sign", unsafe.Offsetof(ctx.sign), ctxSign)
	check("target", unsafe.Offsetof(ctx.target), ctxTarget)
	check("memory", unsafe.Offsetof(ctx.memory), ctxMemory)
	check("memoryBytes", unsafe.Offsetof(ctx.memoryBytes), ctxMemoryBytes)
	check("memoryLoads", unsafe.Offsetof(ctx.memoryLoads), ctxMemoryLoads)
	check("memoryLimit", unsafe.Offsetof(ctx.memoryLimit), ctxMemoryLimit)
	check("callData", unsafe.Offsetof(ctx.callData), ctxCallData)
	check("callDataBytes", unsafe.Offsetof(ctx.callDataBytes), ctxCallDataBytes)
	check("callDataLoads", unsafe.Offsetof(ctx.callDataLoads), ctxCallDataLoads)
	check("bytecode", unsafe.Offsetof(ctx.bytecode), ctxBytecode)
	check("bytecodeBytes", unsafe.Offsetof(ctx.bytecodeBytes), ctxBytecodeBytes)
	check("returnData", unsafe.Offsetof(ctx.returnData), ctxReturnData)
	check("returnBytes", unsafe.Offsetof(ctx.returnBytes), ctxReturnBytes)
	check("Reserve", unsafe.Offsetof(ctx.Reserve), ctxReserve)
	check("self", unsafe.Offsetof(ctx.self), ctxSelf)
	check("caller", unsafe.Offsetof(ctx.caller), ctxCaller)
	check("value", unsafe.Offsetof(ctx.value), ctxValue)
	check("shift", unsafe.Offsetof(ctx.shift), ctxShift)
	check("operands", unsafe.Offsetof(ctx.operands), ctxOperands)
	check("spill", unsafe.Offsetof(ctx.spill), ctxSpill)
	check("the trampoline's end of registers", unsafe.Sizeof(ctx.registers), 8*len(allocatable))
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
	t.Cleanup(p.free)
	return uintptr(unsafe.Pointer(&p.code[0]))
}

// leave leaves with an exit code; the next entry goes to the code behind it.
func leave(a *assembler, code int32) {
	resume := a.newLabel()
	a.leaLabel(rax, resume)
	a.movI(rcx, uint64(code))
	a.ret()
	a.bind(resume)
}

const registerMark = 0x5ead0000

func TestEnter(t *testing.T) {
	m := newMemory(t)
	ctx := &Context{}
	code := install(t, m, func(a *assembler) {
		for _, r := range registers { // all but RSP and RDI may change
			if r != rsp && r != rdi {
				a.movI(r, registerMark+uint64(r))
			}
		}
		leave(a, 1)
		wrong := a.newLabel()
		for _, r := range append([]reg{r12, r15}, allocatable[:]...) { // these are kept
			a.aluI(cmp, r, registerMark+int32(r))
			a.jcc(ifNotEqual, wrong)
		}
		leave(a, 2)
		a.bind(wrong)
		leave(a, 3)
	})
	for want := uint64(1); want <= 2; want++ {
		enter(ctx, code)
		if ctx.exit != want {
			t.Errorf("left with %d; want %d", ctx.exit, want)
		}
		runtime.GC()
		code = ctx.resume
	}
	for i, r := range allocatable {
		if got := ctx.registers[i]; got != registerMark+uint64(r) {
			t.Errorf("register %d was kept as %x; want %x", r, got, registerMark+uint64(r))
		}
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
