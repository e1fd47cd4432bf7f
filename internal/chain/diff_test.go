package chain_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// sampleDiff has count accounts with slots, the last one deleted, and a code.
func sampleDiff(count int) *chain.StateDiff {
	code := []byte{0x60, byte(count)}
	d := &chain.StateDiff{Codes: []chain.Code{{Hash: crypto.Keccak256Hash(code), Bytes: code}}}
	for i := range count {
		a := chain.AccountDiff{Address: common.Address{byte(i + 1)}, Account: chain.NewAccount()}
		a.Account.Nonce = uint64(i)
		a.Account.Balance.SetUint64(uint64(i) * 1000)
		for k := range i % 3 {
			a.Slots = append(a.Slots, chain.SlotDiff{Key: common.Hash{31: byte(k)}, Value: *uint256.NewInt(uint64(k))})
		}
		d.Accounts = append(d.Accounts, a)
	}
	if count > 0 {
		d.Accounts[count-1] = chain.AccountDiff{Address: d.Accounts[count-1].Address, Deleted: true}
	}
	return d
}

// referenceDiffHash is the tree of the diff hash top down: the left part is the
// largest power of two below the number of leaves.
func referenceDiffHash(d *chain.StateDiff) common.Hash {
	hash := func(parts ...[]byte) []byte {
		sum := sha256.Sum256(bytes.Join(parts, nil))
		return sum[:]
	}
	var leaves [][]byte
	for _, a := range d.Accounts {
		if a.Deleted {
			leaves = append(leaves, hash([]byte{2}, a.Address[:]))
			continue
		}
		balance := a.Account.Balance.Bytes32()
		nonce := binary.BigEndian.AppendUint64(nil, a.Account.Nonce)
		leaves = append(leaves, hash([]byte{1}, a.Address[:], nonce, balance[:], a.Account.CodeHash[:]))
		for _, s := range a.Slots {
			value := s.Value.Bytes32()
			leaves = append(leaves, hash([]byte{3}, a.Address[:], s.Key[:], value[:]))
		}
	}
	for _, c := range d.Codes {
		leaves = append(leaves, hash([]byte{4}, c.Hash[:]))
	}
	var top func(nodes [][]byte) []byte
	top = func(nodes [][]byte) []byte {
		switch len(nodes) {
		case 0:
			return make([]byte, 32)
		case 1:
			return nodes[0]
		}
		left := 1
		for 2*left < len(nodes) {
			left *= 2
		}
		return hash(top(nodes[:left]), top(nodes[left:]))
	}
	return common.BytesToHash(hash(binary.BigEndian.AppendUint64(nil, uint64(len(leaves))), top(leaves)))
}

func TestDiffHashAgainstReference(t *testing.T) {
	empty := &chain.StateDiff{}
	if got, want := empty.Hash(), referenceDiffHash(empty); got != want {
		t.Errorf("empty: got %s; want %s", got, want)
	}
	for count := range 40 {
		d := sampleDiff(count)
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		if got, want := d.Hash(), referenceDiffHash(d); got != want {
			t.Errorf("%d accounts: got %s; want %s", count, got, want)
		}
	}
}

// TestDiffHashIsFixed pins the hash: it is part of the chain's rules.
func TestDiffHashIsFixed(t *testing.T) {
	check := func(d *chain.StateDiff, want string) {
		t.Helper()
		if got := d.Hash().Hex(); got != want {
			t.Errorf("got %s; want %s", got, want)
		}
	}
	check(&chain.StateDiff{}, "0x2c34ce1df23b838c5abf2a7f6437cca3d3067ed509ff25f11df6b11b582b51eb")
	check(sampleDiff(5), "0xc2ff44b4b83abdb41f0dff4659f74a72c2e730a1cfa51215e23184cfba0c3189")
}

func TestDiffHashCoversEveryValue(t *testing.T) {
	base := sampleDiff(6).Hash()
	for name, change := range map[string]func(d *chain.StateDiff){
		"address":   func(d *chain.StateDiff) { d.Accounts[0].Address[19]++ },
		"nonce":     func(d *chain.StateDiff) { d.Accounts[1].Account.Nonce++ },
		"balance":   func(d *chain.StateDiff) { d.Accounts[1].Account.Balance.AddUint64(&d.Accounts[1].Account.Balance, 1) },
		"code hash": func(d *chain.StateDiff) { d.Accounts[1].Account.CodeHash[0]++ },
		"key":       func(d *chain.StateDiff) { d.Accounts[2].Slots[0].Key[0]++ },
		"value":     func(d *chain.StateDiff) { d.Accounts[2].Slots[1].Value.SetUint64(99) },
		"slot":      func(d *chain.StateDiff) { d.Accounts[2].Slots = d.Accounts[2].Slots[1:] },
		"deleted": func(d *chain.StateDiff) {
			d.Accounts[0] = chain.AccountDiff{Address: d.Accounts[0].Address, Deleted: true}
		},
		"account": func(d *chain.StateDiff) { d.Accounts = d.Accounts[1:] },
		"code":    func(d *chain.StateDiff) { d.Codes[0].Hash[0]++ },
		"no code": func(d *chain.StateDiff) { d.Codes = nil },
		"slot's account": func(d *chain.StateDiff) {
			d.Accounts[3].Slots, d.Accounts[2].Slots = d.Accounts[2].Slots, nil
		},
	} {
		d := sampleDiff(6)
		change(d)
		if d.Hash() == base {
			t.Errorf("%s: the hash does not change", name)
		}
	}
}

func TestDiffCheck(t *testing.T) {
	check := func(want string, change func(d *chain.StateDiff)) {
		t.Helper()
		d := sampleDiff(6)
		change(d)
		if err := d.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want an error with %q", err, want)
		}
	}
	check("account 0x05", func(d *chain.StateDiff) { slices.Reverse(d.Accounts) })
	check("account 0x01", func(d *chain.StateDiff) { d.Accounts[1].Address = d.Accounts[0].Address })
	check("deleted, but has values", func(d *chain.StateDiff) { d.Accounts[5].Account.Nonce = 1 })
	check("deleted, but has 1 slots", func(d *chain.StateDiff) { d.Accounts[5].Slots = make([]chain.SlotDiff, 1) })
	check("code hash is zero", func(d *chain.StateDiff) { d.Accounts[0].Account.CodeHash = common.Hash{} })
	check("slot 0x00", func(d *chain.StateDiff) { slices.Reverse(d.Accounts[2].Slots) })
	check("slot 0x00", func(d *chain.StateDiff) { d.Accounts[2].Slots[1].Key = d.Accounts[2].Slots[0].Key })
	check("hashes to", func(d *chain.StateDiff) { d.Codes[0].Bytes = []byte{1} })
	check("is empty", func(d *chain.StateDiff) { d.Codes[0] = chain.Code{Hash: types.EmptyCodeHash} })
	check("after", func(d *chain.StateDiff) { d.Codes = append(d.Codes, d.Codes[0]) })
}

func BenchmarkDiffHash(b *testing.B) {
	d := sampleDiff(250)
	for b.Loop() {
		d.Hash()
	}
}
