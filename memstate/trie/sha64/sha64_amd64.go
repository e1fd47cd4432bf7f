package sha64

import (
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

var (
	shaNI  = kernel{"sha-ni", 2}
	avx512 = kernel{"avx512", 16}
)

// kernels are those that this processor can run, the slower first.
func kernels() []kernel {
	all := []kernel{generic}
	if cpuid.CPU.Supports(cpuid.SHA, cpuid.SSE4, cpuid.SSSE3) {
		all = append(all, shaNI)
	}
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW) {
		all = append(all, avx512)
	}
	return all
}

// run hashes groups of messages.
func (k *kernel) run(digests *[DigestSize]byte, messages *[MessageSize]byte, groups int) {
	switch k.lanes {
	case avx512.lanes:
		avx512x16((*[16][DigestSize]byte)(unsafe.Pointer(digests)), (*[16][MessageSize]byte)(unsafe.Pointer(messages)), groups)
	case shaNI.lanes:
		shaNIx2((*[2][DigestSize]byte)(unsafe.Pointer(digests)), (*[2][MessageSize]byte)(unsafe.Pointer(messages)), groups)
	default:
		runGeneric(digests, messages, groups)
	}
}

// shaNIx2 hashes groups of 2 messages.
//
//go:noescape
func shaNIx2(digests *[2][DigestSize]byte, messages *[2][MessageSize]byte, groups int)

// avx512x16 hashes groups of 16 messages. It leaves the upper halves of the wide
// registers clean: code with SSE instructions, like that of crypto/sha256, would
// be slow after it otherwise.
//
//go:noescape
func avx512x16(digests *[16][DigestSize]byte, messages *[16][MessageSize]byte, groups int)
