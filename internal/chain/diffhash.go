package chain

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
)

// The diff hash is a SHA-256 Merkle tree, so that one changed value can be
// proved without the rest. Leaves stand in the order of the diff: an account,
// its slots, the next account, ..., then the codes. A leaf is the hash of
//
//	account  1 | address 20 | nonce 8 | balance 32 | code hash 32
//	deleted  2 | address 20
//	slot     3 | address 20 | key 32 | value 32
//	code     4 | code hash 32
//
// with big-endian numbers. An inner node is the hash of its two children; a
// node without a sibling moves up a level as it is. The diff hash is the hash
// of the number of leaves (8 bytes) and the top node (32 zero bytes when there
// are no leaves). No two of these inputs have the same length, but for values
// that also differ in their first byte: leaves, nodes and root cannot be
// mistaken for one another.
const (
	leafAccount = 1
	leafDeleted = 2
	leafSlot    = 3
	leafCode    = 4
)

// Hash is the diff hash, which a mini-block header commits to.
func (d *StateDiff) Hash() common.Hash {
	leaves := d.leaves()
	var root [8 + common.HashLength]byte
	binary.BigEndian.PutUint64(root[:], uint64(len(leaves)))
	top := merkleTop(leaves)
	copy(root[8:], top[:])
	return sha256.Sum256(root[:])
}

func (d *StateDiff) leaves() []common.Hash {
	count := len(d.Accounts) + len(d.Codes)
	for i := range d.Accounts {
		count += len(d.Accounts[i].Slots)
	}
	leaves := make([]common.Hash, 0, count)
	var buf [1 + common.AddressLength + 8 + 32 + common.HashLength]byte
	for i := range d.Accounts {
		a := &d.Accounts[i]
		leaves = append(leaves, sha256.Sum256(appendAccountLeaf(buf[:0], a)))
		for j := range a.Slots {
			leaves = append(leaves, sha256.Sum256(appendSlotLeaf(buf[:0], a.Address, &a.Slots[j])))
		}
	}
	for i := range d.Codes {
		leaf := append(append(buf[:0], leafCode), d.Codes[i].Hash[:]...)
		leaves = append(leaves, sha256.Sum256(leaf))
	}
	return leaves
}

func appendAccountLeaf(dst []byte, a *AccountDiff) []byte {
	if a.Deleted {
		return append(append(dst, leafDeleted), a.Address[:]...)
	}
	dst = append(append(dst, leafAccount), a.Address[:]...)
	dst = binary.BigEndian.AppendUint64(dst, a.Account.Nonce)
	balance := a.Account.Balance.Bytes32()
	dst = append(dst, balance[:]...)
	return append(dst, a.Account.CodeHash[:]...)
}

func appendSlotLeaf(dst []byte, addr common.Address, s *SlotDiff) []byte {
	dst = append(append(dst, leafSlot), addr[:]...)
	dst = append(dst, s.Key[:]...)
	value := s.Value.Bytes32()
	return append(dst, value[:]...)
}

// merkleTop reduces the nodes in place, level by level, to the top one.
func merkleTop(nodes []common.Hash) common.Hash {
	if len(nodes) == 0 {
		return common.Hash{}
	}
	var pair [2 * common.HashLength]byte
	for len(nodes) > 1 {
		half := len(nodes) / 2
		for i := range half {
			copy(pair[:], nodes[2*i][:])
			copy(pair[common.HashLength:], nodes[2*i+1][:])
			nodes[i] = sha256.Sum256(pair[:])
		}
		if len(nodes)%2 == 1 {
			nodes[half] = nodes[len(nodes)-1]
			half++
		}
		nodes = nodes[:half]
	}
	return nodes[0]
}
