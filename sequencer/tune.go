package main

import (
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/tuning"
)

var tuneCommand = program.TuneCommand(tuning.Sequencer, "check and set up this machine for a sequencer",
	`Looks at processors, memory, limits and settings of the kernel, as a machine wants them that makes a
chain and does little else.

Examples:
   sequencer tune
   sequencer tune --json
   sequencer tune --apply --hugepages 512
   sudo sequencer tune --apply --yes
   sudo sequencer tune --revert --yes`)
