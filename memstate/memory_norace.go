//go:build !race

package memstate

// onHeap keeps all memory of a state on the Go heap, which only the race
// detector wants.
const onHeap = false
