//go:build race

package memstate

// onHeap keeps all memory of a state on the Go heap: the race detector sees
// nothing else.
const onHeap = true
