package ir

import (
	"bytes"
	"testing"
)

// BenchmarkBuild builds 24 KiB of code.
func BenchmarkBuild(b *testing.B) {
	const size = 24 << 10
	for name, pattern := range map[string][]byte{
		"plain":     {byte(PUSH1), 64, byte(DUP1) + 1, byte(ADD), byte(SWAP1), byte(MSTORE), byte(PUSH1) + 1, 0, 1, byte(JUMPI), byte(JUMPDEST)},
		"jumpdests": {byte(JUMPDEST)},
		"pushes":    append([]byte{byte(PUSH32)}, make([]byte, 32)...),
	} {
		b.Run(name, func(b *testing.B) {
			code := bytes.Repeat(pattern, size/len(pattern))
			var builder Builder
			b.SetBytes(int64(len(code)))
			for b.Loop() {
				builder.Build(code, Osaka)
			}
		})
	}
}
