package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/jit/ir"
)

const (
	dumpFlag = "dump"
	dumpIR   = "ir"
)

// dumpCode prints what the engine makes of the code that a run would call first.
func dumpCode(c *cli.Context, opts *evmbench.RunOptions) error {
	if stage := c.String(dumpFlag); stage != dumpIR {
		return fmt.Errorf("cannot print stage %q: want %s", stage, dumpIR)
	}
	code := opts.Code
	if code == nil {
		code = opts.Alloc[opts.To].Code
	}
	var builder ir.Builder
	_, err := fmt.Fprint(c.App.Writer, builder.Build(code, opts.Fork))
	return err
}
