// Package evmbench runs single calls of EVM code: cases from folders, checked
// against the output and gas they must have, code given by hand, and
// measurements of our engine against go-ethereum's, interleaved on one core.
//
// It knows calls, not transactions: gas is the gas of the frame.
package evmbench

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/reference"
	"github.com/redline-evm/redline/jit"
)

// Case is a message in a world, with what must come of it.
type Case struct {
	Name    string
	Alloc   types.GenesisAlloc
	Message jit.Message
	Want    Want
}

// Want is what must come of a case's message.
type Want struct {
	Status     reference.Status
	GasUsed    uint64
	Refund     uint64
	Output     []byte
	AnyOutput  bool // the output is not known
	AnyOutcome bool // nothing is known
}

// IsCase reports whether dir is laid out as a case.
func IsCase(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "state.txt"))
	return err == nil
}

// LoadCases reads the case at dir, or all cases in dir, sorted by name.
func LoadCases(dir string) ([]*Case, error) {
	if IsCase(dir) {
		c, err := LoadCase(dir)
		return []*Case{c}, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the cases: %w", err)
	}
	var cases []*Case
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if !entry.IsDir() || !IsCase(path) {
			continue
		}
		c, err := LoadCase(path)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("cannot find cases in %q: got no folder with a state.txt", dir)
	}
	sort.Slice(cases, func(i, j int) bool { return cases[i].Name < cases[j].Name })
	return cases, nil
}

// LoadCase reads one case folder: state.txt, and where they exist expected.hex
// and gas.txt.
func LoadCase(dir string) (*Case, error) {
	name := filepath.Base(dir)
	state, err := os.ReadFile(filepath.Join(dir, "state.txt"))
	if err != nil {
		return nil, fmt.Errorf("cannot read case %q: %w", name, err)
	}
	c, err := ParseState(state)
	if err != nil {
		return nil, fmt.Errorf("cannot parse %s/state.txt: %w", name, err)
	}
	c.Name = name
	if err := c.loadWant(dir); err != nil {
		return nil, fmt.Errorf("cannot read case %q: %w", name, err)
	}
	return c, nil
}

func (c *Case) loadWant(dir string) error {
	gas, err := os.ReadFile(filepath.Join(dir, "gas.txt"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Want.AnyOutcome = true
	case err != nil:
		return err
	default:
		if err := c.Want.parseGas(gas); err != nil {
			return fmt.Errorf("cannot parse gas.txt: %w", err)
		}
	}
	output, err := os.ReadFile(filepath.Join(dir, "expected.hex"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Want.AnyOutput = true
		return nil
	case err != nil:
		return err
	}
	c.Want.Output, err = parseHex(strings.TrimSpace(string(output)))
	return err
}

// parseGas reads lines `status N`, `gas_used N` and `refund N`.
func (w *Want) parseGas(data []byte) error {
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return fmt.Errorf("cannot parse line %q: got %d words; want 2", line, len(fields))
		}
		n, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil {
			return err
		}
		switch fields[0] {
		case "status":
			w.Status = reference.Status(min(n, uint64(reference.Failed)))
		case "gas_used":
			w.GasUsed = n
		case "refund":
			w.Refund = n
		}
	}
	return nil
}

// ParseState reads the format of state.txt: for each account a line `acct
// ADDRESS` and then lines `code HEX`, `bal HEX`, `nonce HEX` and `stor KEY
// VALUE`; for the message lines `from`, `to`, `gas`, `value` and `data`.
// Numbers are hexadecimal; a lone `-` is no data.
func ParseState(data []byte) (*Case, error) {
	p := stateParser{c: &Case{Alloc: types.GenesisAlloc{}}}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for number := 1; lines.Scan(); number++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		if err := p.line(fields[0], fields[1:]); err != nil {
			return nil, fmt.Errorf("line %d, %q: %w", number, fields[0], err)
		}
	}
	p.flush()
	return p.c, lines.Err()
}

type stateParser struct {
	c       *Case
	addr    common.Address
	account *types.Account // open account
}

func (p *stateParser) line(key string, args []string) error {
	want := 1
	if key == "stor" {
		want = 2
	}
	if len(args) != want {
		return fmt.Errorf("got %d values; want %d", len(args), want)
	}
	switch key {
	case "acct":
		return p.acct(args[0])
	case "code", "bal", "nonce", "stor":
		return p.property(key, args)
	default:
		return p.message(key, args[0])
	}
}

func (p *stateParser) acct(arg string) error {
	p.flush()
	addr, err := parseAddress(arg)
	p.addr, p.account = addr, &types.Account{Balance: new(big.Int), Storage: map[common.Hash]common.Hash{}}
	return err
}

func (p *stateParser) flush() {
	if p.account != nil {
		p.c.Alloc[p.addr] = *p.account
	}
	p.account = nil
}

func (p *stateParser) property(key string, args []string) error {
	if p.account == nil {
		return errors.New("got it before any account; want it after `acct`")
	}
	if key == "nonce" {
		nonce, err := strconv.ParseUint(args[0], 16, 64)
		p.account.Nonce = nonce
		return err
	}
	value, err := parseHex(args[0])
	if err != nil {
		return err
	}
	switch key {
	case "code":
		p.account.Code = value
		return nil
	case "bal":
		if len(value) > 32 {
			return fmt.Errorf("got %d bytes; want at most 32", len(value))
		}
		p.account.Balance.SetBytes(value)
		return nil
	}
	word, err := parseHex(args[1])
	if len(value) > 32 || len(word) > 32 {
		return fmt.Errorf("got words of %d and %d bytes; want at most 32", len(value), len(word))
	}
	p.account.Storage[common.BytesToHash(value)] = common.BytesToHash(word)
	return err
}

func (p *stateParser) message(key, arg string) (err error) {
	msg := &p.c.Message
	switch key {
	case "from":
		msg.Caller, err = parseAddress(arg)
	case "to":
		msg.To, err = parseAddress(arg)
	case "gas":
		msg.Gas, err = strconv.ParseUint(arg, 16, 64)
	case "data":
		msg.Input, err = parseHex(arg)
	case "value":
		var value []byte
		value, err = parseHex(arg)
		if len(value) > 32 {
			return fmt.Errorf("got %d bytes; want at most 32", len(value))
		}
		msg.Value.SetBytes(value)
	default:
		return errors.New("got an unknown key; want acct, code, bal, nonce, stor, from, to, gas, value or data")
	}
	return err
}

func parseAddress(s string) (addr common.Address, err error) {
	b, err := parseHex(s)
	if err != nil {
		return addr, err
	}
	if len(b) != len(addr) {
		return addr, fmt.Errorf("cannot parse address %q: got %d bytes; want %d", s, len(b), len(addr))
	}
	return common.Address(b), nil
}

// parseHex reads hexadecimal bytes with or without 0x; `-` is none.
func parseHex(s string) ([]byte, error) {
	if s == "-" {
		return nil, nil
	}
	return hex.DecodeString(strings.TrimPrefix(s, "0x"))
}
