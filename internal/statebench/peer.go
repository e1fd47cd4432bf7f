package statebench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/redline-evm/redline/memstate"
)

const (
	pebbleReads     = 1 << 12 // in a round: a cold read takes very long
	pebbleBatch     = 1 << 14 // slots that are written at once
	pebbleCacheCold = 1 << 20 // bytes
	pebbleCacheWarm = 512 << 20
)

// pebbleStore is the slots in a Pebble store on disk.
type pebbleStore struct {
	dir   string
	db    *pebble.DB
	cache *pebble.Cache
}

// newPebbleStore fills a store. Keys come in their order: nothing is ever
// rewritten, and a read looks into one file.
func newPebbleStore(ctx context.Context, dir string, keys keySpace) (*pebbleStore, error) {
	p := &pebbleStore{dir: dir}
	if err := p.open(pebbleCacheCold, false); err != nil {
		return nil, err
	}
	for from := uint64(0); from < keys.count; from += pebbleBatch {
		if err := errors.Join(ctx.Err(), p.write(keys, from, min(from+pebbleBatch, keys.count))); err != nil {
			p.close()
			return nil, err
		}
	}
	if err := p.db.Flush(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *pebbleStore) write(keys keySpace, from, until uint64) error {
	batch := p.db.NewBatch()
	defer batch.Close()
	for i := from; i < until; i++ {
		key, value := keys.key(i), keys.value(i)
		if err := batch.Set(pebbleKey(&key), value.Bytes(), nil); err != nil {
			return err
		}
	}
	return batch.Commit(pebble.NoSync)
}

// pebbleKey is an address and a key, 52 bytes.
func pebbleKey(key *memstate.SlotKey) []byte {
	word := key.Key.Bytes32()
	return append(append(make([]byte, 0, common.AddressLength+len(word)), key.Address[:]...), word[:]...)
}

func (p *pebbleStore) open(cacheBytes int64, readOnly bool) (err error) {
	p.cache = pebble.NewCache(cacheBytes)
	p.db, err = pebble.Open(p.dir, &pebble.Options{
		Cache: p.cache, ReadOnly: readOnly, DisableWAL: true, MemTableSize: 64 << 20, Logger: silent{},
	})
	if err != nil {
		p.cache.Unref()
		return fmt.Errorf("cannot open Pebble: %w", err)
	}
	return nil
}

// openCold opens the store without a cache worth the name, its files out of the
// system's.
func (p *pebbleStore) openCold() error {
	p.close()
	if err := dropCache(p.dir); err != nil {
		return err
	}
	return p.open(pebbleCacheCold, true)
}

// openWarm opens the store with the blocks of keys in its cache.
func (p *pebbleStore) openWarm(keys []memstate.SlotKey) error {
	p.close()
	if err := p.open(pebbleCacheWarm, true); err != nil {
		return err
	}
	for i := range keys {
		if _, err := p.read(&keys[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *pebbleStore) read(key *memstate.SlotKey) (value uint256.Int, err error) {
	bytes, closer, err := p.db.Get(pebbleKey(key))
	if err != nil {
		return value, fmt.Errorf("cannot read from Pebble: %w", err)
	}
	value.SetBytes(bytes)
	return value, closer.Close()
}

func (p *pebbleStore) close() {
	if p.db == nil {
		return
	}
	if err := p.db.Close(); err != nil {
		panic("BUG: cannot close Pebble: " + err.Error())
	}
	p.cache.Unref()
	p.db = nil
}

// dropCache puts the files of dir out of the system's cache.
func dropCache(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := dropFile(filepath.Join(dir, entry.Name())); err != nil {
			return fmt.Errorf("cannot put a file out of the cache: %w", err)
		}
	}
	return nil
}

func dropFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Sync(); err != nil { // what is not written cannot be dropped
		return err
	}
	return forget(file)
}

// silent logs nothing but what ends the process.
type silent struct{}

func (silent) Infof(string, ...any)           {}
func (silent) Errorf(string, ...any)          {}
func (silent) Fatalf(format string, a ...any) { panic("BUG: " + fmt.Sprintf(format, a...)) }
