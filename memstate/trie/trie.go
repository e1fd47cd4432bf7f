// Package trie commits to the world state: it turns state diffs into a state
// root. It knows diffs and hashes; it knows neither who owns the state nor
// files nor the network.
//
// A Trie belongs to one goroutine.
package trie
