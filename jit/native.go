package jit

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/redline-evm/redline/jit/amd64"
	"github.com/redline-evm/redline/jit/ir"
)

// Native says when code is compiled to machine code.
type Native uint8

// The settings of the native tier.
const (
	NativeOff   Native = iota // never
	NativeOn                  // when it is hot, in the background
	NativeEager               // when it is used first, before it runs
)

// nativeNames are the settings as flags name them.
var nativeNames = [...]string{NativeOff: "off", NativeOn: "on", NativeEager: "eager"}

// String is the setting's name.
func (n Native) String() string { return nativeNames[n] }

// ParseNative is the inverse of String.
func ParseNative(name string) (Native, error) {
	for n, known := range nativeNames {
		if name == known {
			return Native(n), nil
		}
	}
	return NativeOff, fmt.Errorf("cannot use native code %q: want one of %q", name, nativeNames)
}

// Bounds of the native tier.
const (
	nativeArenaBytes   = 16 << 20 // address space that machine code gets at a time
	NativeBytesPerByte = 48       // machine code made of each byte of bytecode, at most
)

// nativeTier is what the EVMs of an engine share of the native compiler. With no
// memory there is none and all code is interpreted.
type nativeTier struct {
	setting Native
	memory  *amd64.Memory
	err     error // why there is no memory though it was asked for
	queue   compileQueue
	tamper  func(*ir.Program) // makes wrong code on purpose, in tests; else nil

	compiled, rejected, failed, dropped, bytes atomic.Uint64
}

// NativeStats counts what the native tier did.
type NativeStats struct {
	Compiled uint64 // codes that became machine code
	Rejected uint64 // codes that stay with the interpreter: too large, or too much machine code for their size
	Failed   uint64 // codes for which there was no executable memory
	Dropped  uint64 // hot codes that found the queue full
	Bytes    uint64 // of machine code made

	Checked    uint64 // messages that were run by tier 0 as well
	Mismatches uint64 // of them, those with another result
}

// start gets the tier ready to compile if the setting and the machine allow.
func (t *nativeTier) start(setting Native) {
	if setting == NativeOff {
		return
	}
	t.setting = setting
	if t.memory, t.err = amd64.NewMemory(nativeArenaBytes); t.err == nil {
		runtime.AddCleanup(t, (*amd64.Memory).Close, t.memory)
	}
}

// NativeError says why native code was asked for but cannot be had here, so that
// all code is interpreted; else it is nil.
func (e *Engine) NativeError() error { return e.native.err }

// NativeStats returns the counts so far.
func (e *Engine) NativeStats() NativeStats {
	t := &e.native
	return NativeStats{
		Compiled: t.compiled.Load(), Rejected: t.rejected.Load(), Failed: t.failed.Load(),
		Dropped: t.dropped.Load(), Bytes: t.bytes.Load(),
		Checked: e.check.checked.Load(), Mismatches: e.check.mismatches.Load(),
	}
}

// nativeCode is machine code and the program that it was made of, whose
// instructions its exits name.
type nativeCode struct {
	program *ir.Program
	code    *amd64.Code
}

// sizeBytes is the memory that the code holds on to; nil holds none.
func (n *nativeCode) sizeBytes() int {
	if n == nil {
		return 0
	}
	return n.program.SizeBytes() + n.code.SizeBytes()
}

// nativeCompiler compiles bytecode. It keeps its memory for the next.
type nativeCompiler struct {
	builder  ir.Builder
	compiler *amd64.Compiler
}

// compile returns machine code for bytecode, or nil if it stays with the
// interpreter.
func (c *nativeCompiler) compile(t *nativeTier, bytecode []byte, fork Fork) *nativeCode {
	native, err := c.translate(t, bytecode, fork)
	switch {
	case IsRejected(err):
		t.rejected.Add(1)
		return nil
	case err != nil:
		t.failed.Add(1)
		return nil
	}
	t.compiled.Add(1)
	t.bytes.Add(uint64(native.code.SizeBytes()))
	return native
}

// translate makes machine code of bytecode.
func (c *nativeCompiler) translate(t *nativeTier, bytecode []byte, fork Fork) (*nativeCode, error) {
	if c.compiler == nil {
		c.compiler = amd64.NewCompiler(t.memory)
	}
	c.builder.Build(bytecode, fork)
	program := c.builder.Optimize().Clone()
	if t.tamper != nil {
		t.tamper(program)
	}
	code, err := c.compiler.Compile(program, amd64.Limits{BytesPerByte: NativeBytesPerByte})
	if err != nil {
		return nil, err
	}
	return &nativeCode{program: program, code: code}, nil
}

// IsRejected reports whether bytecode cannot become machine code because that
// would be too large.
func IsRejected(err error) bool { return errors.Is(err, amd64.ErrTooLarge) }

// NativeCompiler compiles bytecode as the native tier does and keeps nothing of
// it: to measure that, and to look at it. It belongs to one goroutine.
type NativeCompiler struct {
	tier     *nativeTier
	compiler nativeCompiler
}

// NewNativeCompiler returns a compiler with the memory of the engine's native
// tier. The error is NativeError's.
func (e *Engine) NewNativeCompiler() (*NativeCompiler, error) {
	return &NativeCompiler{tier: &e.native}, e.NativeError()
}

// Compile returns how many bytes of machine code it made of bytecode.
func (c *NativeCompiler) Compile(bytecode []byte, fork Fork) (size int, err error) {
	native, err := c.compiler.translate(c.tier, bytecode, fork)
	if err != nil {
		return 0, err
	}
	return native.code.SizeBytes(), nil
}

// Listing returns the parts of the machine code that it made of bytecode.
func (c *NativeCompiler) Listing(bytecode []byte, fork Fork) ([]amd64.Section, error) {
	native, err := c.compiler.translate(c.tier, bytecode, fork)
	if err != nil {
		return nil, err
	}
	return c.compiler.compiler.Sections(native.code), nil
}

// compileNow compiles code before it runs, if the setting is so.
func (v *EVM) compileNow(code *code, bytecode []byte) {
	if t := &v.engine.native; t.memory != nil && t.setting == NativeEager {
		code.native.Store(v.compiler.compile(t, bytecode, v.block.Fork))
	}
}
