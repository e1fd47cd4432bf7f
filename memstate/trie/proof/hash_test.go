package proof

import (
	"encoding/hex"
	"testing"
)

// TestExample is the example of docs/formats/trie.md.
func TestExample(t *testing.T) {
	address := [20]byte{19: 1}
	account := Account{Nonce: 1, CodeHash: fromHex(t, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")}
	key, value := AccountKey(address), account.Value()
	slotKey := SlotKey(address, Hash{})
	leaf, slotLeaf := Leaf(key, value), Leaf(slotKey, Hash{31: 1})
	for name, c := range map[string]struct {
		got  Hash
		want string
	}{
		"account key":   {key, "8021353dfae08a9057ba020167101b900e4c5ac870b42ad029d9d76a8b590d15"},
		"account value": {value, "a220e0e1c33f0d4a5705d815d480dc342d31aed75d29e09f64ac1129fbab0d7d"},
		"account leaf":  {leaf, "1cc3336e5857514c1ab6b05395143f103ce30e50c4dc8ef7a2ce2f881ea2b2a3"},
		"slot key":      {slotKey, "a66dd0ee5206229ee0c161e3e39c17de882ab413028ba14412d279f62a8dd44d"},
		"slot leaf":     {slotLeaf, "7c3d8319b5063c930afbc9e6fa4725092fba3c8bf64fdbe5e4353d7fee5570ad"},
		// Both key hashes begin with 10; the third bit is 0 in one and 1 in the other.
		"root": {Node(Hash{}, Node(Node(leaf, slotLeaf), Hash{})), "8c68929eb8050780bcfdf49cdd153dcddccf70aa770f087ac53406555cc18c91"},
	} {
		if c.got != fromHex(t, c.want) {
			t.Errorf("%s: got %x; want %s", name, c.got, c.want)
		}
	}
}

func fromHex(t *testing.T, text string) Hash {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return Hash(b)
}

func TestNode(t *testing.T) {
	leaf, inner := Hash{0: 0x7f, 1: 1}, Hash{0: 0x80}
	for name, c := range map[string]struct {
		left, right Hash
		want        Hash // zero in its second byte: some hash
		lifts       bool
	}{
		"nothing":          {Hash{}, Hash{}, Hash{}, true},
		"a leaf alone":     {leaf, Hash{}, leaf, true},
		"a leaf, right":    {Hash{}, leaf, leaf, true},
		"two leaves":       {leaf, leaf, Hash{}, false},
		"an inner node":    {inner, Hash{}, Hash{}, false},
		"an inner, right":  {Hash{}, inner, Hash{}, false},
		"inner and a leaf": {inner, leaf, Hash{}, false},
		"two inner nodes":  {inner, inner, Hash{}, false},
	} {
		got := Node(c.left, c.right)
		if c.lifts && got != c.want {
			t.Errorf("%s: got %x; want %x", name, got, c.want)
		}
		if !c.lifts && got[0]&labelBit == 0 {
			t.Errorf("%s: got %x; want an inner node", name, got)
		}
	}
}
