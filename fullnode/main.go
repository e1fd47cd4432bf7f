// Fullnode follows a Redline chain: it checks what the sequencer publishes,
// serves JSON-RPC and forwards transactions. This file and its neighbours read
// flags, open files and sockets, wire the packages together and wait for a
// signal; what the program does is in the packages.
package main

import (
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/program"
)

func main() {
	program.Main(&cli.App{
		Name:  "fullnode",
		Usage: "follow a Redline chain",
		Description: `Follow the chain of a sequencer and serve it:
   fullnode run --sequencer http://127.0.0.1:8545

Every flag can also be set by environment (REDLINE_HTTP_PORT for --http.port) or in a TOML file (--config).`,
		Commands: []*cli.Command{runCommand, snapshotCommand, tuneCommand},
	})
}
