package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/disasm"
	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/ir"
)

const dumpFlag = "dump"

// dumpStages are the stages of code on its way to machine code, in that order.
var dumpStages = []struct {
	name  string
	print func(c *cli.Context, code []byte, fork jit.Fork) error
}{
	{"ir", dumpIR},
	{"asm", dumpASM},
}

// dumpCode prints what the engine makes of the code that a run would call first.
func dumpCode(c *cli.Context, opts *evmbench.RunOptions) error {
	code := opts.Code
	if code == nil {
		code = opts.Alloc[opts.To].Code
	}
	wanted := program.List(c.String(dumpFlag))
	if err := checkStages(wanted); err != nil {
		return err
	}
	for _, stage := range dumpStages {
		if !slices.Contains(wanted, stage.name) {
			continue
		}
		if err := stage.print(c, code, opts.Fork); err != nil {
			return err
		}
	}
	return nil
}

func checkStages(wanted []string) error {
	var known []string
	for _, stage := range dumpStages {
		known = append(known, stage.name)
	}
	if len(wanted) == 0 {
		return fmt.Errorf("cannot dump nothing: want some of %q", known)
	}
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			return fmt.Errorf("cannot print stage %q: want some of %s", name, strings.Join(known, ","))
		}
	}
	return nil
}

// dumpIR prints the basic blocks that machine code is made of.
func dumpIR(c *cli.Context, code []byte, fork jit.Fork) error {
	var builder ir.Builder
	builder.Build(code, fork)
	_, err := fmt.Fprint(c.App.Writer, builder.Optimize())
	return err
}

// dumpASM prints machine code.
func dumpASM(c *cli.Context, code []byte, fork jit.Fork) error {
	compiler, err := jit.New(jit.Config{Native: jit.NativeEager}).NewNativeCompiler()
	if err != nil {
		return err
	}
	sections, err := compiler.Listing(code, fork)
	if err != nil {
		return fmt.Errorf("cannot compile: %w", err)
	}
	return disasm.Print(c.App.Writer, sections)
}
