package wal

import (
	"encoding/hex"
	"testing"
)

// TestLayout compares heads with their bytes on disk; see docs/formats/wal.md.
func TestLayout(t *testing.T) {
	segment := segmentHead{identity: Hash{1}, segment: 2, salt: 3, first: 4, parent: Hash{5}}
	record := recordHead{payloadSum: 1, length: 2, salt: 3, seq: 4, group: 5, parent: Hash{6}}
	const (
		zeros31     = "00000000000000000000000000000000000000000000000000000000000000"
		wantSegment = "524c57414c303031" + "01" + zeros31 + "0000000000000002" + "0000000000000003" + "0000000000000004" + "05" + zeros31 + "63df30c1"
		wantRecord  = "524c5243" + "22bc06e8" + "00000001" + "00000002" + "0000000000000003" + "0000000000000004" + "0000000000000005" + "06" + zeros31
	)
	if got := hex.EncodeToString(segment.append(nil)); got != wantSegment {
		t.Errorf("segment: got %s; want %s", got, wantSegment)
	}
	if got, err := parseSegmentHead(segment.append(nil)); got != segment || err != nil {
		t.Errorf("segment: got %+v, %v; want %+v", got, err, segment)
	}
	if got := hex.EncodeToString(record.append(nil)); got != wantRecord {
		t.Errorf("record: got %s; want %s", got, wantRecord)
	}
	if got, err := parseRecordHead(record.append(nil), record.salt); got != record || err != nil {
		t.Errorf("record: got %+v, %v; want %+v", got, err, record)
	}
}
