package ir

import (
	"slices"
	"unsafe"
)

// Clone returns a copy that belongs to nobody and is just as large as it must be.
func (p *Program) Clone() *Program {
	return &Program{
		Blocks: slices.Clip(slices.Clone(p.Blocks)),
		Instrs: slices.Clip(slices.Clone(p.Instrs)),
		Args:   slices.Clip(slices.Clone(p.Args)),
		Writes: slices.Clip(slices.Clone(p.Writes)),
		Facts:  slices.Clip(slices.Clone(p.Facts)),
		Places: slices.Clip(slices.Clone(p.Places)),
		Consts: slices.Clip(slices.Clone(p.Consts)),
		Loops:  slices.Clip(slices.Clone(p.Loops)),
		Exits:  slices.Clip(slices.Clone(p.Exits)),
		Guards: slices.Clip(slices.Clone(p.Guards)),
		Dests:  slices.Clip(slices.Clone(p.Dests)),
	}
}

// SizeBytes is the memory that the program holds on to.
func (p *Program) SizeBytes() int {
	return cap(p.Blocks)*int(unsafe.Sizeof(Block{})) + cap(p.Instrs)*int(unsafe.Sizeof(Instr{})) +
		4*cap(p.Args) + 8*cap(p.Writes) + 4*cap(p.Facts) + 4*cap(p.Places) + WordSize*cap(p.Consts) + 4*cap(p.Dests) +
		cap(p.Loops)*int(unsafe.Sizeof(Loop{})) + cap(p.Exits)*int(unsafe.Sizeof(SideExit{})) + cap(p.Guards)*int(unsafe.Sizeof(Guard{}))
}
