package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/internal/chain"
	"github.com/redline-evm/redline/internal/mpt"
	"github.com/redline-evm/redline/internal/vfs"
	"github.com/redline-evm/redline/memstate"
	"github.com/redline-evm/redline/memstate/snapshot"
)

// base is what the records of the log are applied to: the genesis, or a snapshot.
type base struct {
	state    *memstate.State
	trie     *mpt.Trie
	nextSeq  uint64        // of the first record to apply
	sealed   *types.Header // of the newest EVM block
	seal     *chain.Seal   // of it; nil for the genesis block
	mini     uint64
	miniHash common.Hash
	hashes   []common.Hash // of the EVM blocks up to sealed, oldest first
}

func (o *origin) base() *base {
	return &base{state: o.state, trie: o.trie, sealed: o.header, miniHash: o.identity, hashes: []common.Hash{o.header.Hash()}}
}

// head is the end of the chain before any record of the log.
func (b *base) head() *head {
	return &head{
		nextSeq: b.nextSeq, sealed: b.sealed, sealedHash: b.sealed.Hash(), mini: b.mini, miniHash: b.miniHash, view: b.state.Latest(),
	}
}

// snapshotsFolder is the folder of the snapshots in the data directory.
const snapshotsFolder = "snapshots"

// OpenSnapshots opens the snapshots of a data directory.
func OpenSnapshots(f vfs.FS, dataDir string) (*snapshot.Store, error) {
	return snapshot.Open(f, filepath.Join(dataDir, snapshotsFolder))
}

// firstRecord is where a log begins that holds nothing yet.
func (l *Ledger) firstRecord() uint64 {
	blocks, err := l.snapshots.Blocks()
	if err != nil || len(blocks) == 0 {
		return 0
	}
	m, err := l.snapshots.Manifest(blocks[0])
	if err != nil {
		return 0
	}
	return m.NextSeq
}

// findBase loads the newest snapshot that is whole and that the log continues, else
// the genesis. What is wrong with newer ones is logged.
func (l *Ledger) findBase(from *origin, opts Options) (*base, error) {
	first, next := l.log.First(), l.log.Next()
	if first > 0 || !l.allStates {
		blocks, err := l.snapshots.Blocks()
		if err != nil {
			return nil, err
		}
		for _, block := range blocks {
			b, err := loadSnapshot(from, l.snapshots, block, opts)
			if err == nil && b.nextSeq >= first && b.nextSeq <= next {
				return b, nil
			}
			if err == nil {
				err = fmt.Errorf("it wants record %d, and the log holds %d to %d", b.nextSeq, first, next)
			}
			opts.Log.Error("a snapshot cannot be used; trying the next older one", "block", block, "err", err)
		}
	}
	if first > 0 {
		return nil, fmt.Errorf("the log begins with record %d, and there is no snapshot that it continues; restore one; a full node can also begin with an empty folder and follow the chain anew", first)
	}
	from.state.Keep(opts.StateBlocks)
	return from.base(), nil
}

// loadSnapshot loads the snapshot of an EVM block: one of the same chain, whose
// header the sequencer signed and whose state has the root that the header says.
func loadSnapshot(from *origin, store *snapshot.Store, block uint64, opts Options) (*base, error) {
	start := time.Now()
	m, err := store.Manifest(block)
	if err != nil {
		return nil, err
	}
	if err := from.checkSnapshot(m); err != nil {
		return nil, fmt.Errorf("cannot use %q: %w", store.Path(block), err)
	}
	b := &base{
		state: memstate.NewIn(opts.Memory), trie: mpt.New(), nextSeq: m.NextSeq, sealed: m.Header, seal: m.Seal(), mini: m.Mini, miniHash: m.MiniHash,
		hashes: append([]common.Hash{m.Header.Hash()}, m.Ancestors...),
	}
	slices.Reverse(b.hashes)
	b.state.Keep(opts.StateBlocks)
	sink := &sink{base: b, loader: b.state.Load()}
	stored, _ := m.Size()
	spoken := start
	if err := store.Load(context.Background(), m, snapshot.ReadOptions{Workers: runtime.GOMAXPROCS(0), Progress: func(done uint64) {
		if time.Since(spoken) > progressEvery {
			spoken = time.Now()
			opts.Log.Info("loading a snapshot", "block", block, "percent", 100*done/max(stored, 1))
		}
	}}, sink); err != nil {
		return nil, err
	}
	sink.end()
	if root := b.trie.Root(); root != m.Header.Root {
		return nil, fmt.Errorf("cannot use %q: its state has root %s; want %s", store.Path(block), root, m.Header.Root)
	}
	opts.Log.Info("loaded a snapshot", "block", block, "bytes", stored, "elapsed", time.Since(start).Round(time.Millisecond))
	return b, nil
}

// checkSnapshot reports whether a snapshot can be one of this chain.
func (o *origin) checkSnapshot(m *snapshot.Manifest) error {
	if m.Chain != o.identity {
		return fmt.Errorf("%w: it is of chain %s; want %s", ErrOtherChain, m.Chain, o.identity)
	}
	seal := m.Seal()
	if seal == nil {
		if m.Header.Hash() != o.header.Hash() {
			return fmt.Errorf("got genesis block %s; want %s", m.Header.Hash(), o.header.Hash())
		}
		return nil
	}
	if signer, err := seal.Signer(); err != nil || signer != o.genesis.Sequencer {
		return fmt.Errorf("the header of EVM block %d was signed by %s, %w; want the sequencer %s", m.Block(), signer, err, o.genesis.Sequencer)
	}
	return nil
}

// sink fills the state and the trie of a base.
type sink struct {
	base   *base
	loader *memstate.Loader // nil after the copy
}

func (s *sink) Base(d *chain.StateDiff) {
	s.loader.Add(d)
	s.base.trie.Update(d)
}

func (s *sink) Tail(d *chain.StateDiff) {
	s.end()
	s.base.state.Commit(s.base.mini, s.base.sealed.Number.Uint64(), d)
	s.base.trie.Update(d)
}

// end ends the copy.
func (s *sink) end() {
	if s.loader != nil {
		s.loader.Done(s.base.mini, s.base.sealed.Number.Uint64())
		s.loader = nil
	}
}
