// Sequencer makes a Redline chain: it takes transactions in, executes them as
// they arrive, and publishes signed mini-blocks. This file and its neighbours
// read flags, open files and sockets, wire the packages together and wait for a
// signal; what the program does is in the packages.
package main

import (
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/program"
)

func main() {
	program.Main(&cli.App{
		Name:  "sequencer",
		Usage: "make a real-time EVM chain",
		Description: `Try it:
   sequencer dev                        a chain with funded accounts and a full node, in one command

Run a chain of your own:
   sequencer init --genesis FILE        make its folder and the sequencer's key
   sequencer run                        make mini-blocks
   fullnode run --sequencer URL         follow it, on any machine

Every flag can also be set by environment (REDLINE_HTTP_PORT for --http.port) or in a TOML file (--config).`,
		Commands: []*cli.Command{devCommand, initCommand, runCommand, snapshotCommand, evmCommand, benchCommand, tuneCommand},
	})
}
