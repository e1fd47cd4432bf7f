package proof

import (
	"bytes"
	"testing"
)

// FuzzParseSingle parses anything: what is accepted is encoded again to the same
// bytes, and can be verified without a crash.
func FuzzParseSingle(f *testing.F) {
	f.Add([]byte{})
	f.Add(AppendSingle(nil, &Single{}))
	f.Add(AppendSingle(nil, &Single{Siblings: []Hash{{1}, {}, {2}}, Other: &Entry{Key: Hash{3}, Value: Hash{4}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseSingle(b)
		if err != nil {
			return
		}
		if again := AppendSingle(nil, p); !bytes.Equal(again, b) {
			t.Fatalf("got %x again; want %x", again, b)
		}
		if p.Verify(Hash{1, 2, 3}, Hash{}, Hash{}) == nil {
			t.Fatal("got a proof of a root that is none")
		}
	})
}

// FuzzParseMulti does the same for proofs of many keys.
func FuzzParseMulti(f *testing.F) {
	f.Add([]byte{}, uint8(0))
	shape := Bits{}
	for _, bit := range []bool{true, true, false, false, true} {
		shape.Append(bit)
	}
	f.Add(AppendMulti(nil, &Multi{Shape: shape, Siblings: []Hash{{1}}, Others: []Entry{{Hash{2}, Hash{3}}}}), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, count uint8) {
		p, err := ParseMulti(b)
		if err != nil {
			return
		}
		if again := AppendMulti(nil, p); !bytes.Equal(again, b) {
			t.Fatalf("got %x again; want %x", again, b)
		}
		keys, values := make([]Hash, count), make([]Hash, count)
		for i := range keys {
			keys[i] = Hash{0: byte(i), 1: 1}
		}
		if _, err := p.Open(Hash{1, 2, 3}, keys, values, Standard); err == nil {
			t.Fatal("got a proof of a root that is none")
		}
	})
}
