package memstate

// Prefault makes memory resident for slots to come: so many bytes of records, keys
// and index entries beyond what there is, so that commits do not wait for the
// kernel. progress is told now and then how much is done. The committer calls it.
func (s *State) Prefault(bytes uint64, progress func(done, total uint64)) error {
	slots := &s.slots
	more := bytes / (pairBytes/2 + indexBytesPerSlot)
	done := uint64(0)
	tell := func(more uint64) {
		done += more
		progress(min(done, bytes), bytes)
	}
	if err := slots.pairs.growResident((slots.count.Load()+more)/2+1, tell); err != nil {
		return err
	}
	leaves := more * indexBytesPerSlot / leafBytes
	return slots.index.leaves.growResident(uint64(len(slots.index.meta))+leaves, tell)
}

// indexBytesPerSlot is what an entry of the index takes, free room included: leaves
// are between half and all full.
const indexBytesPerSlot = 12
