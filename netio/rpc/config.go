package rpc

import (
	"log/slog"
	"runtime"
	"time"
)

// Config holds the settings and limits of a server. A zero field means its
// default; every queue, cache and loop of the package is bounded by a field
// here or a constant below.
type Config struct {
	ClientVersion string   // answer of web3_clientVersion
	Origins       []string // web origins that may call, over HTTP and WebSocket; "*" is all
	Modules       []string // name spaces that are served; none means all
	Logger        *slog.Logger

	MaxBodyBytes   int // of one request or batch
	MaxBatchItems  int // requests in a batch
	MaxReplyBytes  int // of one reply
	BodiesBytes    int // of all request bodies in memory, beyond small ones
	RepliesBytes   int // of all replies on their way, beyond small ones
	MaxConnections int // HTTP connections at once

	MaxSockets       int // WebSocket connections at once
	SocketQueueBytes int // of messages that one slow WebSocket may leave unread
	QueuesBytes      int // of messages that all of them may leave unread

	RequestTimeout time.Duration // of one request, or of a whole batch
	CallTimeout    time.Duration // of one eth_call or eth_estimateGas
	LingerTime     time.Duration // that a client has to see why it was refused
	CallSlots      int           // calls, estimates and searches that run at once
	GasCap         uint64        // of one eth_call or eth_estimateGas

	SyncTimeout    time.Duration // wait of eth_sendRawTransactionSync, unless it says
	SyncMaxTimeout time.Duration // the most that it may say

	MaxLogBlocks uint64        // EVM blocks that one log query may cover
	MaxLogs      int           // logs that one log query may return
	MaxFilters   int           // installed filters
	FilterTTL    time.Duration // life of a filter that nobody asks
}

const (
	smallBodyBytes       = 16 << 10 // bodies up to here do not count as BodiesBytes
	smallReplyBytes      = 1 << 20  // replies up to here do not count as RepliesBytes
	maxMethodNameBytes   = 2048
	maxSocketSubs        = 128   // subscriptions of one WebSocket
	maxSocketCalls       = 32    // requests of one WebSocket that wait or compute
	maxRecentPending     = 65536 // pending transactions that a filter may lag behind
	maxEvents            = 8192  // events that the server may lag behind the node
	maxTopics            = 4     // positions of a log filter
	maxLogAlternatives   = 1000  // addresses, or topics of one position
	maxFeeHistoryBlocks  = 1024
	maxFeeRewardBlocks   = 128 // the same when rewards are asked for
	maxRewardPercentiles = 100
	socketPingInterval   = 30 * time.Second
	socketWriteTimeout   = 10 * time.Second
	httpIdleTimeout      = 2 * time.Minute
)

func (c Config) withDefaults() Config {
	setDefault(&c.ClientVersion, "Redline")
	setDefault(&c.Logger, slog.Default())
	setDefault(&c.MaxBodyBytes, 5<<20)
	setDefault(&c.MaxBatchItems, 10_000)
	setDefault(&c.MaxReplyBytes, 64<<20)
	setDefault(&c.BodiesBytes, 256<<20)
	setDefault(&c.RepliesBytes, 512<<20)
	setDefault(&c.MaxConnections, 16_384)
	setDefault(&c.MaxSockets, 4096)
	setDefault(&c.SocketQueueBytes, 4<<20)
	setDefault(&c.QueuesBytes, 512<<20)
	setDefault(&c.RequestTimeout, 30*time.Second)
	setDefault(&c.CallTimeout, 5*time.Second)
	setDefault(&c.LingerTime, time.Second)
	// One processor stays free for the goroutine that makes or follows the
	// chain: behind calls on all of them it would wait for the scheduler's time
	// slices, 10 ms each.
	setDefault(&c.CallSlots, max(1, runtime.GOMAXPROCS(0)-1))
	setDefault(&c.GasCap, 50_000_000)
	setDefault(&c.SyncTimeout, 5*time.Second)
	setDefault(&c.SyncMaxTimeout, 30*time.Second)
	setDefault(&c.MaxLogBlocks, 100_000)
	setDefault(&c.MaxLogs, 10_000)
	setDefault(&c.MaxFilters, 10_000)
	setDefault(&c.FilterTTL, 5*time.Minute)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
