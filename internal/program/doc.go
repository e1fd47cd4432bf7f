// Package program is what Redline's programs share around their work: flags and
// where their values come from, logs, metrics, the lock of a data folder,
// listening sockets, and an orderly end. It knows nothing of chains and nodes.
//
// Its functions are called from main, before the work begins.
package program
