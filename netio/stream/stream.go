// Package stream carries the records of a chain from a node that has them to
// nodes that follow it, over one long HTTP response. It knows record bytes and
// sequence numbers only: what a record means, whether it is true and where it
// is kept are its users' business.
//
// A Publisher serves any number of clients from a Source: those that are up to
// date share one encoded frame, those that lag read their own. A Follower is
// the client as a step machine without clock and socket; a Client is the thin
// loop that gives it both. docs/formats/stream.md describes the bytes.
//
// Publisher methods may be called from any goroutine. A Follower belongs to
// one; Client.Run to the one that called it.
package stream

import (
	"errors"
	"time"
)

// PathStream and PathGenesis are where a node serves its records and its
// genesis.
const (
	PathStream  = "/stream"
	PathGenesis = "/genesis"
)

// The limits of both ends. A frame that exceeds one of them is corrupt.
const (
	RecordSizeMax  = 32 << 20               // one record
	FrameSizeMax   = RecordSizeMax + 1<<20  // payload of a frame, compressed
	decodedSizeMax = RecordSizeMax + 64<<10 // payload of a frame, decompressed
	frameSizeGoal  = 512 << 10              // records are coalesced up to here
	genesisSizeMax = 64 << 20
	refusalSizeMax = 4 << 10 // text that comes with an HTTP status
)

// The timing of both ends.
const (
	heartbeatInterval = time.Second            // an idle server says that it lives
	silenceTimeout    = 5 * time.Second        // a client gives up on a mute server
	connectTimeout    = 5 * time.Second        // until the response header is there
	writeTimeout      = 30 * time.Second       // a server gives up on a client that does not read
	closeTimeout      = 200 * time.Millisecond // to finish a frame when a server closes
	backoffMin        = 50 * time.Millisecond
	backoffMax        = 3 * time.Second
)

// A client must not give up between two heartbeats, and a frame
// has room for a record of the greatest size.
const (
	_ = uint(silenceTimeout - 2*heartbeatInterval)
	_ = uint(decodedSizeMax - frameHeadSize - recordHeadSize - RecordSizeMax)
)

var (
	// ErrGone says that the asked records are not held any more. A Source
	// returns it; a Follower ends with it, because nobody can fill the gap.
	ErrGone = errors.New("records are no longer held")
	// ErrOtherChain says that server and client name different chains.
	ErrOtherChain = errors.New("the server has another chain")
	// ErrDiverged says that the server has another record where this node has one.
	ErrDiverged = errors.New("the server's records are not those of this node")
	// ErrCorrupt says that bytes are not a frame.
	ErrCorrupt = errors.New("corrupt frame")
)
