package main

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/ethereum/go-ethereum/crypto"
)

const keyFileName = "node.key" // in the data folder

// nodeKey is the key by which the node signs what it writes down for others, such
// as snapshots. It is made if there is none.
func nodeKey(dir string) (*ecdsa.PrivateKey, error) {
	path := filepath.Join(dir, keyFileName)
	key, err := crypto.LoadECDSA(path)
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = crypto.GenerateKey(); err == nil {
			err = crypto.SaveECDSA(path, key)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the node's key in %s: %w", path, err)
	}
	return key, nil
}
