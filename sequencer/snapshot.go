package main

import (
	"crypto/ecdsa"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/program"
	"github.com/redline-evm/redline/internal/upkeep"
)

var snapshotCommand = upkeep.Command(upkeep.Program{
	Name:    "sequencer",
	DataDir: program.DefaultDataDir("sequencer"),
	Key: func(c *cli.Context, dir string) (*ecdsa.PrivateKey, error) {
		key, err := loadKey(keyPath(c, dir))
		if err != nil {
			return nil, err
		}
		return key.private, nil
	},
	Flags: []cli.Flag{keyFileFlag()},
})
