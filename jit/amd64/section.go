package amd64

import (
	"fmt"
	"slices"
)

// Section is a part of machine code, for people who read it.
type Section struct {
	Name   string // such as "block 0x1a", by bytecode offset
	Offset int    // in the machine code
	Code   []byte
	Data   bool // no instructions
}

// Sections returns the parts of the code that was compiled last, in their order.
func (c *Compiler) Sections(code *Code) []Section {
	var sections []Section
	begin := func(l label, data bool, format string, args ...any) {
		sections = append(sections, Section{Name: fmt.Sprintf(format, args...), Offset: int(c.asm.labels[l]), Data: data})
	}
	if c.dynamic {
		begin(c.jumps, true, "jump table")
	}
	for i := range c.blocks {
		begin(c.blocks[i].entry, false, "block %#x", c.program.Blocks[i].PC)
	}
	for i := range c.stubs {
		begin(c.stubs[i].at, false, "exit")
	}
	begin(c.gasExit, false, "gas exit")
	begin(c.grow, false, "memory growth")
	slices.SortStableFunc(sections, func(a, b Section) int { return a.Offset - b.Offset })
	end := len(code.bytes)
	for i := len(sections) - 1; i >= 0; i-- {
		sections[i].Code = code.bytes[sections[i].Offset:end]
		end = sections[i].Offset
	}
	return sections
}
