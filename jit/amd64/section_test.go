package amd64

import (
	"errors"
	"testing"

	"github.com/redline-evm/redline/jit/ir"
)

// TestSections lists code with and without room for its loop: the sections are all
// of it.
func TestSections(t *testing.T) {
	var w writer
	w.op(ir.PUSH0, ir.JUMPDEST)
	for range 16 {
		w.op(ir.DUP1, ir.MLOAD, ir.ADD, ir.DUP1, ir.DUP1, ir.MSTORE)
	}
	w.op(ir.DUP1).push64(1).op(ir.JUMPI)
	var b ir.Builder
	b.Build(w.code, ir.Osaka)
	program := b.Optimize()
	if len(program.Loops) != 1 {
		t.Fatalf("got %d loops; want one", len(program.Loops))
	}
	c := NewCompiler(newMemory(t))
	sizes := map[int]bool{}
	for perByte := range 400 {
		code, err := c.Compile(program, Limits{BytesPerByte: perByte})
		if errors.Is(err, ErrTooLarge) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		sections := c.Sections(code)
		size := sections[0].Offset
		for _, s := range sections {
			if s.Offset != size {
				t.Errorf("%d bytes a byte: %s begins at %d; want %d", perByte, s.Name, s.Offset, size)
			}
			size += len(s.Code)
		}
		if size != code.SizeBytes() {
			t.Errorf("%d bytes a byte: got sections up to %d; want %d", perByte, size, code.SizeBytes())
		}
		sizes[size] = true
	}
	if len(sizes) != 2 {
		t.Errorf("got sizes %v; want that with the loop and that without", sizes)
	}
}
