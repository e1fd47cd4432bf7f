package statebench

import (
	"encoding/binary"
	"math/bits"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/memstate"
)

// slotsPerAccount is how many slots an account has: those of a busy token.
const slotsPerAccount = 50_000

// keySpace is slots by number. Their keys look like hashes but ascend with the
// number, so that a store that sorts is filled without sorting: its files are as
// good as they get.
type keySpace struct {
	count uint64
	step  uint64 // between the first words of the keys of an account
}

func newKeySpace(count int) keySpace {
	return keySpace{count: uint64(count), step: ^uint64(0) / slotsPerAccount}
}

func (s keySpace) accounts() uint64 { return (s.count + slotsPerAccount - 1) / slotsPerAccount }

func (s keySpace) address(account uint64) (addr common.Address) {
	binary.BigEndian.PutUint64(addr[:], account)
	binary.BigEndian.PutUint64(addr[12:], mix(account))
	return addr
}

// key is the key of slot i.
func (s keySpace) key(i uint64) memstate.SlotKey {
	place := i % slotsPerAccount
	first := place*s.step + mix(i)%s.step
	return memstate.SlotKey{
		Address: s.address(i / slotsPerAccount),
		Key:     uint256.Int{mix(i + 1), mix(i + 2), mix(i + 3), first},
	}
}

// value is the value of slot i: a balance, of nine bytes at most.
func (s keySpace) value(i uint64) uint256.Int { return uint256.Int{mix(i + 4), i & 0xFF, 0, 0} }

// mix spreads numbers; it is a bijection (Steele et al., SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// below is a number below n, from a random one.
func below(random, n uint64) uint64 {
	hi, _ := bits.Mul64(random, n)
	return hi
}
