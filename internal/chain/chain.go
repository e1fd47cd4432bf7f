// Package chain is the vocabulary that every part of Redline shares: accounts,
// state diffs, mini-blocks, EVM blocks and the genesis. It holds data and the
// rules that follow from data alone (hashes, signatures, the header that comes
// next); it knows no files, no network, no clock and no execution.
package chain
