// Package producer makes the chain: it admits transactions to a pool, executes
// them in order of tip as they come, and seals them into signed mini-blocks and
// EVM blocks.
//
// Pool may be called from any goroutine. Producer is a step machine of one
// goroutine: Step gets the time, does one thing, and returns at most one record
// for the chain's log. It reads no clock, opens no file or socket and starts no
// goroutine; Run is the thin loop that gives it time and takes its records. The
// package knows no RPC, no disk and no full node.
package producer
