package evmfuzz

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/evmbench"
	"github.com/redline-evm/redline/jit"
)

// Case is one message in one world, and the slices of gas that native code gets.
type Case struct {
	Fork    jit.Fork
	Codes   [len(contracts)][]byte
	Message jit.Message
	Create  bool
	Slice   uint64 // gas
}

// caseFile is a case as a file holds it.
type caseFile struct {
	Why   string                        `json:"why"` // what differed when it was found
	Seed  uint64                        `json:"seed"`
	Fork  string                        `json:"fork"`
	Codes [len(contracts)]hexutil.Bytes `json:"codes"`
	To    *common.Address               `json:"to"` // null: the input is init code
	Input hexutil.Bytes                 `json:"input"`
	Value uint256.Int                   `json:"value"`
	Gas   uint64                        `json:"gas"`
	Slice uint64                        `json:"slice"`
}

// encode returns the case as the bytes of a file.
func (c *Case) encode(why string, seed uint64) []byte {
	file := caseFile{
		Why: why, Seed: seed, Fork: evmbench.ForkName(c.Fork),
		Input: c.Message.Input, Value: c.Message.Value, Gas: c.Message.Gas, Slice: c.Slice,
	}
	if !c.Create {
		file.To = &c.Message.To
	}
	for i, code := range c.Codes {
		file.Codes[i] = code
	}
	text, err := json.MarshalIndent(&file, "", "\t")
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot encode a case: %v", err))
	}
	return append(text, '\n')
}

// readCase is the inverse of encode.
func readCase(path string) (*Case, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file caseFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("cannot read case %s: %w", path, err)
	}
	fork, err := evmbench.ParseFork(file.Fork)
	if err != nil {
		return nil, fmt.Errorf("cannot read case %s: %w", path, err)
	}
	c := &Case{Fork: fork, Slice: file.Slice, Create: file.To == nil}
	c.Message = jit.Message{Caller: sender, Input: file.Input, Value: file.Value, Gas: file.Gas}
	if file.To != nil {
		c.Message.To = *file.To
	}
	for i, code := range file.Codes {
		c.Codes[i] = code
	}
	return c, nil
}

const caseSuffix = ".json"

// saveCase writes the case to a new file in dir, which is made if need be.
func saveCase(dir string, c *Case, why string, seed uint64) (path string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path = filepath.Join(dir, fmt.Sprintf("seed-%d%s", seed, caseSuffix))
	why, _, _ = strings.Cut(why, "\n")
	return path, os.WriteFile(path, c.encode(why, seed), 0o600)
}
