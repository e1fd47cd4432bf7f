//go:build invariants

package invariants

// Enabled reports whether costly checks run.
const Enabled = true
