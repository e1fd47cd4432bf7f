package main

import (
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/internal/program"
)

const (
	keyFlag     = "sequencer.key"
	keyFileName = "sequencer.key" // in the data folder
)

// sequencerKey is the key that signs the chain, and where it is.
type sequencerKey struct {
	private *ecdsa.PrivateKey
	path    string
}

func (k *sequencerKey) address() common.Address { return crypto.PubkeyToAddress(k.private.PublicKey) }

// keyPath is the file of the key: what the flag names, else the one in the data
// folder.
func keyPath(c *cli.Context, dir string) string {
	if path := c.String(keyFlag); path != "" {
		return path
	}
	return filepath.Join(dir, keyFileName)
}

// loadKey reads the key of an existing chain.
func loadKey(path string) (*sequencerKey, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot sign: no key at %s; name the sequencer's key by --%s FILE, or begin a chain by `sequencer init`", path, keyFlag)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the sequencer's key: %w", err)
	}
	private, err := parseKey(data)
	if err != nil {
		return nil, fmt.Errorf("cannot read the sequencer's key in %s: %w", path, err)
	}
	return &sequencerKey{private: private, path: path}, nil
}

// parseKey reads 32 bytes as hexadecimal digits, with or without 0x. Its errors
// do not tell the digits.
func parseKey(data []byte) (*ecdsa.PrivateKey, error) {
	digits := strings.TrimPrefix(strings.TrimSpace(string(data)), "0x")
	private, err := crypto.HexToECDSA(digits)
	if err != nil {
		return nil, fmt.Errorf("got %d characters; want the 64 hexadecimal digits of a secp256k1 key", len(digits))
	}
	return private, nil
}

// loadOrMakeKey reads the key, or makes one if there is no file and none is
// required.
func loadOrMakeKey(path string, required bool) (*sequencerKey, error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || required {
		return loadKey(path)
	}
	private, err := crypto.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot keep the sequencer's key: %w", err)
	}
	_, err = fmt.Fprintln(file, hex.EncodeToString(crypto.FromECDSA(private)))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("cannot keep the sequencer's key: %w", err)
	}
	return &sequencerKey{private: private, path: path}, nil
}

func keyFileFlag() cli.Flag {
	return program.String(program.CategoryChain, keyFlag, "", "`FILE` with the sequencer's private key in hexadecimal (default: sequencer.key in the data folder)")
}
