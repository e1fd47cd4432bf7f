package wire

import (
	"bytes"
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/internal/chain"
)

// What an account holds after its address. A live account without code has no
// flag set.
const (
	flagDeleted = 1 << iota // nothing follows
	flagCode                // a code hash follows the balance
)

// Least sizes of the items of a diff in bytes, for bounding counts.
const (
	accountSizeMin = common.AddressLength + 1
	slotSizeMin    = 2
	codeSizeMin    = common.HashLength + 2
)

// AppendStateDiff appends the encoding of a diff that holds its invariants.
func AppendStateDiff(dst []byte, d *chain.StateDiff) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(d.Accounts)))
	for i := range d.Accounts {
		dst = appendAccount(dst, &d.Accounts[i])
	}
	dst = binary.AppendUvarint(dst, uint64(len(d.Codes)))
	for i := range d.Codes {
		dst = append(dst, d.Codes[i].Hash[:]...)
		dst = appendSized(dst, d.Codes[i].Bytes)
	}
	return dst
}

func appendAccount(dst []byte, a *chain.AccountDiff) []byte {
	dst = append(dst, a.Address[:]...)
	if a.Deleted {
		return append(dst, flagDeleted)
	}
	flags := byte(0)
	if a.Account.CodeHash != types.EmptyCodeHash {
		flags |= flagCode
	}
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, a.Account.Nonce)
	dst = appendWord(dst, &a.Account.Balance)
	if flags&flagCode != 0 {
		dst = append(dst, a.Account.CodeHash[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(a.Slots)))
	for i := range a.Slots {
		key := new(uint256.Int).SetBytes32(a.Slots[i].Key[:])
		dst = appendWord(dst, key)
		dst = appendWord(dst, &a.Slots[i].Value)
	}
	return dst
}

// ParseStateDiff is the inverse of AppendStateDiff. The diff holds its
// invariants, but for the hashes of the codes.
func ParseStateDiff(src []byte) (*chain.StateDiff, error) {
	return parse("state diff", src, (*reader).stateDiff)
}

func (r *reader) stateDiff() *chain.StateDiff {
	d := &chain.StateDiff{}
	if n := r.count(accountSizeMin); n > 0 {
		d.Accounts = make([]chain.AccountDiff, n)
	}
	for i := range d.Accounts {
		r.account(&d.Accounts[i])
		if i > 0 && bytes.Compare(d.Accounts[i-1].Address[:], d.Accounts[i].Address[:]) >= 0 {
			r.corrupt("account %s after %s", d.Accounts[i].Address, d.Accounts[i-1].Address)
		}
		if r.err != nil {
			return nil
		}
	}
	if n := r.count(codeSizeMin); n > 0 {
		d.Codes = make([]chain.Code, n)
	}
	for i := range d.Codes {
		r.fixed(d.Codes[i].Hash[:])
		d.Codes[i].Bytes = bytes.Clone(r.sized())
		if i > 0 && bytes.Compare(d.Codes[i-1].Hash[:], d.Codes[i].Hash[:]) >= 0 {
			r.corrupt("code %s after %s", d.Codes[i].Hash, d.Codes[i-1].Hash)
		}
		if len(d.Codes[i].Bytes) == 0 {
			r.corrupt("code %s is empty", d.Codes[i].Hash)
		}
		if r.err != nil {
			return nil
		}
	}
	return d
}

func (r *reader) account(a *chain.AccountDiff) {
	r.fixed(a.Address[:])
	flags := r.byte()
	switch flags {
	case flagDeleted:
		a.Deleted = true
		return
	case 0, flagCode:
	default:
		r.corrupt("account flags %#x", flags)
		return
	}
	a.Account.Nonce = r.uvarint()
	r.word(&a.Account.Balance)
	a.Account.CodeHash = types.EmptyCodeHash
	if flags == flagCode {
		r.fixed(a.Account.CodeHash[:])
		if a.Account.CodeHash == types.EmptyCodeHash || a.Account.CodeHash == (common.Hash{}) {
			r.corrupt("code hash %s", a.Account.CodeHash)
		}
	}
	r.slots(a)
}

func (r *reader) slots(a *chain.AccountDiff) {
	if n := r.count(slotSizeMin); n > 0 {
		a.Slots = make([]chain.SlotDiff, n)
	}
	for i := range a.Slots {
		var key uint256.Int
		r.word(&key)
		a.Slots[i].Key = key.Bytes32()
		r.word(&a.Slots[i].Value)
		if i > 0 && bytes.Compare(a.Slots[i-1].Key[:], a.Slots[i].Key[:]) >= 0 {
			r.corrupt("slot %s after %s", a.Slots[i].Key, a.Slots[i-1].Key)
		}
		if r.err != nil {
			return
		}
	}
}
