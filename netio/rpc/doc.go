// Package rpc serves Ethereum JSON-RPC over HTTP and WebSocket. It turns bytes
// into calls of a Backend and answers into bytes: envelopes, batches,
// subscriptions, filters, limits, and the exact field names and error codes
// that Ethereum's tools expect.
//
// The package must not know how a node keeps its chain or executes: it sees
// neither the state's storage nor the pool nor the engine, only Backend. It is
// the one place of the program that speaks HTTP to users, and with it the one
// owner of fasthttp and its WebSocket.
package rpc
