package main

import (
	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/tuning"
)

var tuneCommand = program.TuneCommand(tuning.FullNode, "check and set up this machine for a full node",
	`Looks at processors, memory, limits and settings of the kernel. A full node wants little and may share
its machine with other programs.

Examples:
   fullnode tune
   fullnode tune --json
   sudo fullnode tune --apply --yes
   sudo fullnode tune --revert --yes`)
