package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"
)

// records returns n records; record i says its number.
func records(first, n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = bytes.Repeat([]byte{byte(first + i)}, (first+i)%7+1)
	}
	return all
}

// seal wraps bytes that are to be decompressed in a frame with a right checksum.
func seal(plain []byte) []byte {
	payload := encoder().EncodeAll(plain, nil)
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	frame = binary.BigEndian.AppendUint32(frame, crc32.Checksum(payload, castagnoli))
	return append(frame, payload...)
}

func TestFrameRoundTrip(t *testing.T) {
	for _, want := range []Batch{
		{},
		{First: 7, ServerNext: 7},
		{First: 0, ServerNext: 3, Records: records(0, 3)},
		{First: 1 << 60, ServerNext: 1<<60 + 900, Records: records(5, 300)},
		{First: 1, ServerNext: 2, Records: [][]byte{{}}},
	} {
		frame := AppendFrame([]byte("kept"), want)
		if !bytes.HasPrefix(frame, []byte("kept")) {
			t.Fatal("AppendFrame lost what was there")
		}
		got, err := ParseFrame(frame[4:])
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
		read, err := readFrame(bytes.NewReader(frame[4:]))
		if err != nil || !bytes.Equal(read, frame[4:]) {
			t.Errorf("readFrame: got %x, %v; want %x", read, err, frame[4:])
		}
	}
}

func TestFrameRefusesGarbage(t *testing.T) {
	good := AppendFrame(nil, Batch{First: 3, ServerNext: 5, Records: records(3, 2)})
	head := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, 3), 4)
	bomb := seal(make([]byte, decodedSizeMax+1))
	cases := map[string][]byte{
		"empty":               nil,
		"header only":         good[:frameHeaderSize],
		"short":               good[:len(good)-1],
		"long":                append(bytes.Clone(good), 0),
		"no batch head":       seal(head[:15]),
		"stray bytes":         seal(append(bytes.Clone(head), 0, 0, 0)),
		"record beyond end":   seal(append(bytes.Clone(head), 0, 0, 0, 2, 1)),
		"record number wraps": seal(append(bytes.Repeat([]byte{255}, 16), 0, 0, 0, 1, 9)),
		"beyond server next":  seal(append(bytes.Clone(head), 0, 0, 0, 0, 0, 0, 0, 0)),
		"bomb":                bomb,
	}
	for i := range good {
		flipped := bytes.Clone(good)
		flipped[i] ^= 0x10
		cases["flipped byte "+string(rune('0'+i))] = flipped
	}
	for name, frame := range cases {
		if got, err := ParseFrame(frame); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, ErrCorrupt)
		}
	}
}

func TestReadFrameBoundsLength(t *testing.T) {
	_, err := readFrame(strings.NewReader("\xff\xff\xff\xff0000"))
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v; want %v", err, ErrCorrupt)
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add(AppendFrame(nil, Batch{First: 3, ServerNext: 9, Records: records(3, 4)}), false)
	f.Add([]byte("0123456789abcdef\x00\x00\x00\x01x"), true)
	f.Add(append(bytes.Repeat([]byte{0}, 15), 1, 0, 0, 0, 0), true)
	f.Fuzz(func(t *testing.T, data []byte, sealed bool) {
		if sealed { // past the checksum, into the payload
			data = seal(data)
		}
		batch, err := ParseFrame(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("got %v; want %v", err, ErrCorrupt)
			}
			return
		}
		again, err := ParseFrame(AppendFrame(nil, batch))
		if err != nil || !reflect.DeepEqual(again, batch) {
			t.Fatalf("got %v, %v; want %v", again, err, batch)
		}
	})
}
