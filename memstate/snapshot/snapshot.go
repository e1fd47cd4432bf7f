// Package snapshot keeps files that hold a whole state: it writes one while the
// state goes on, finds and verifies those that are there, and hands their
// content back. It knows state diffs, bytes and signatures; it knows neither
// how the state is kept in memory nor records nor the network, and reads no
// clock but to limit its rate.
//
// # How it works
//
// A state of a terabyte takes longer to copy than any view of it stays true. So
// the copy is fuzzy: each piece of it is true at some moment between the begin
// of the copy and its end. Diffs hold absolute values, therefore the copy, and
// after it all diffs from its begin to its end in their order, give exactly the
// state at the end, whatever of them the copy saw already. A snapshot is both:
// the base, which is the copy, and the tail, which are those diffs. It needs
// nothing else.
//
//	begin                               end     seal
//	  |-- copying: any piece, any moment --|------|     base
//	  |============ every diff ===================|     tail
//	                                              ^     the manifest's EVM block
//
// Both are sequences of chunks, files named by their hash, so that a chunk that
// did not change since an older snapshot is the same file. The manifest names
// them in order and is signed by the node. It is written when all else is on
// the disk, under a name that is no manifest's, synced and renamed: what was cut
// is no snapshot.
//
// A Store belongs to one goroutine that writes and prunes; any may read.
package snapshot

import "errors"

// Errors that say what is wrong with a snapshot.
var (
	ErrCorrupt = errors.New("corrupt snapshot")
	ErrNone    = errors.New("no snapshot")
)
