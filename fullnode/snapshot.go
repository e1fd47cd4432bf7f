package main

import (
	"crypto/ecdsa"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/upkeep"
)

var snapshotCommand = upkeep.Command(upkeep.Program{
	Name:    "fullnode",
	DataDir: program.DefaultDataDir("fullnode"),
	Key:     func(_ *cli.Context, dir string) (*ecdsa.PrivateKey, error) { return nodeKey(dir) },
})
