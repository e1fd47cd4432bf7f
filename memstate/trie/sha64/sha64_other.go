//go:build !amd64

package sha64

// kernels are those that this processor can run: crypto/sha256 has its own
// assembly.
func kernels() []kernel { return []kernel{generic} }

// run hashes groups of messages.
func (k *kernel) run(digests *[DigestSize]byte, messages *[MessageSize]byte, groups int) {
	runGeneric(digests, messages, groups)
}
