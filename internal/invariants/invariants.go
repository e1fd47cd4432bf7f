//go:build !invariants

// Package invariants switches the costly checks on: they run in builds with
// the tag `invariants`, which tests use. Cheap checks do not ask; they panic
// with a message that begins with BUG. The package knows nothing of ours.
package invariants

// Enabled reports whether costly checks run.
const Enabled = false
