package snapshot

import (
	"encoding/binary"
	"maps"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/netio/wire"
)

// walked is what a cutter is given: accounts with slots, and codes.
type walked struct {
	accounts int
	slots    func(account int) int
	nonce    func(account int) uint64
}

// chunks cuts a walk, checks the order of each chunk, and returns their
// encodings.
func (w walked) chunks(t *testing.T) (encoded []string, values map[string]uint64) {
	t.Helper()
	values = map[string]uint64{}
	const scale = 64
	c := NewCutter(func(d *chain.StateDiff) error {
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		for _, a := range d.Accounts {
			values["account "+a.Address.Hex()] = a.Account.Nonce
			for _, s := range a.Slots {
				values["slot "+a.Address.Hex()+s.Key.Hex()] = s.Value.Uint64()
			}
		}
		encoded = append(encoded, string(wire.AppendStateDiff(nil, d)))
		return nil
	})
	c.cuts = cuts{cutsDefault.min / scale, cutsDefault.max / scale, cutsDefault.mask / scale}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range w.accounts {
		account := chain.NewAccount()
		account.Nonce = w.nonce(i)
		do(c.Account(addrOf(i), account))
		for j := range w.slots(i) {
			key := hashOf(1<<32 + j)
			do(c.Slot(*new(uint256.Int).SetBytes32(key[:]), *uint256.NewInt(uint64(i + j + 1))))
		}
	}
	for i := range 3 {
		code := []byte{byte(i)}
		do(c.Code(chain.Code{Hash: crypto.Keccak256Hash(code), Bytes: code}))
	}
	do(c.End())
	return encoded, values
}

func hashOf(i int) common.Hash {
	return crypto.Keccak256Hash(binary.BigEndian.AppendUint64(nil, uint64(i)))
}

func addrOf(i int) common.Address { return common.BytesToAddress(hashOf(i).Bytes()) }

func none(int) uint64 { return 1 }

func TestCutter(t *testing.T) {
	for _, w := range []walked{
		{0, func(int) int { return 0 }, none},
		{10, func(i int) int { return i }, none},
		{5000, func(i int) int { return i % 5 }, none},
		{3, func(i int) int { return 3000 * i }, none},
	} {
		encoded, values := w.chunks(t)
		want := map[string]uint64{}
		for i := range w.accounts {
			addr := addrOf(i).Hex()
			want["account "+addr] = 1
			for j := range w.slots(i) {
				want["slot "+addr+hashOf(1<<32+j).Hex()] = uint64(i + j + 1)
			}
		}
		if !maps.Equal(values, want) {
			t.Errorf("%d accounts: got %d values; want the %d that were walked", w.accounts, len(values), len(want))
		}
		for i, chunk := range encoded {
			if len(chunk) > cutsDefault.max/32 || i < len(encoded)-1 && len(chunk) < cutsDefault.min/128 {
				t.Errorf("chunk %d of %d has %d bytes; want about what the cuts say", i, len(encoded), len(chunk))
			}
		}
	}
}

// TestCutterResumes changes one account near the begin of a walk: the chunks after
// the next cut must stay as they are.
func TestCutterResumes(t *testing.T) {
	w := walked{5000, func(i int) int { return 3 }, none}
	before, _ := w.chunks(t)
	w.nonce = func(i int) uint64 {
		if i == 1000 {
			return 1 << 40
		}
		return 1
	}
	w.slots = func(i int) int {
		if i == 1000 {
			return 500
		}
		return 3
	}
	after, _ := w.chunks(t)
	known, shared := map[string]bool{}, 0
	for _, chunk := range before {
		known[chunk] = true
	}
	for _, chunk := range after {
		if known[chunk] {
			shared++
		}
	}
	if len(after) < 5 || shared < len(after)-2 {
		t.Errorf("got %d of %d chunks shared; want all but one or two", shared, len(after))
	}
}
