package snapshot

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// cuts says where a copy is cut, in bytes of the encoding, about: not below min,
// not above max, and between where one hash in mask+1 says so.
type cuts struct {
	min, max int
	mask     uint64
}

var cutsDefault = cuts{min: 2 << 20, max: 8 << 20, mask: 1<<14 - 1}

const (
	accountBytes = common.AddressLength + 12 // as most are: small numbers, no code
	slotBytes    = 2 + common.HashLength + 8 // as most are: a hashed key, a number
)

// Cutter makes chunks of a state that is walked in any order. It cuts where what
// it has seen last says so, not where a size is reached: so a change of one
// account changes the chunk in which it stands, and the next cut is where it was,
// and all chunks after it are what they were when the state is walked in the same
// order again.
//
// An account with very many slots is cut, too; it stands in each of those chunks.
type Cutter struct {
	emit func(*chain.StateDiff) error
	cuts cuts
	diff *chain.StateDiff
	size int
}

// NewCutter returns a cutter that hands its chunks to emit.
func NewCutter(emit func(*chain.StateDiff) error) *Cutter {
	return &Cutter{emit: emit, cuts: cutsDefault, diff: &chain.StateDiff{}}
}

// Account takes an account. The slots that follow are its.
func (c *Cutter) Account(addr common.Address, account chain.Account) error {
	if err := c.cut(binary.LittleEndian.Uint64(addr[common.AddressLength-8:])); err != nil {
		return err
	}
	c.diff.Accounts = append(c.diff.Accounts, chain.AccountDiff{Address: addr, Account: account})
	c.size += accountBytes
	return nil
}

// Slot takes a slot of the newest account.
func (c *Cutter) Slot(key, value uint256.Int) error {
	of := c.diff.Accounts[len(c.diff.Accounts)-1]
	if err := c.cut(key[0] ^ key[3]); err != nil {
		return err
	}
	if len(c.diff.Accounts) == 0 {
		c.diff.Accounts = append(c.diff.Accounts, chain.AccountDiff{Address: of.Address, Account: of.Account})
	}
	account := &c.diff.Accounts[len(c.diff.Accounts)-1]
	account.Slots = append(account.Slots, chain.SlotDiff{Key: key.Bytes32(), Value: value})
	c.size += slotBytes
	return nil
}

// Code takes a code.
func (c *Cutter) Code(code chain.Code) error {
	if err := c.cut(binary.LittleEndian.Uint64(code.Hash[:])); err != nil {
		return err
	}
	c.diff.Codes = append(c.diff.Codes, code)
	c.size += common.HashLength + len(code.Bytes)
	return nil
}

// End hands over the last chunk.
func (c *Cutter) End() error {
	if c.diff.Empty() {
		return nil
	}
	return c.close()
}

// cut closes the chunk if it may end before something with such bits.
func (c *Cutter) cut(bits uint64) error {
	const goldenRatio = 0x9E3779B97F4A7C15 // numbers that somebody chose are often small
	if c.size < c.cuts.min || c.size < c.cuts.max && bits*goldenRatio>>32&c.cuts.mask != 0 {
		return nil
	}
	return c.close()
}

// close brings the chunk into the order of a diff and hands it over.
func (c *Cutter) close() error {
	d := c.diff
	c.diff, c.size = &chain.StateDiff{}, 0
	slices.SortFunc(d.Accounts, func(a, b chain.AccountDiff) int { return bytes.Compare(a.Address[:], b.Address[:]) })
	for i := range d.Accounts {
		slices.SortFunc(d.Accounts[i].Slots, func(a, b chain.SlotDiff) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	}
	slices.SortFunc(d.Codes, func(a, b chain.Code) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	return c.emit(d)
}
