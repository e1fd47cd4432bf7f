package jit

import (
	"github.com/ethereum/go-ethereum/common"
)

// blockHashesMax is the number of EVM blocks before this one whose hash BLOCKHASH
// knows.
const blockHashesMax = 256

func pushUint64(sp *word, x uint64) *word {
	sp = above(sp)
	setUint64(sp, x)
	return sp
}

func pushWord(sp, x *word) *word {
	sp = above(sp)
	copyWord(sp, x)
	return sp
}

func pushAddress(sp *word, addr *common.Address) *word {
	sp = above(sp)
	sp.SetBytes20(addr[:])
	return sp
}

func opAddress(f *frame, _ *instr, sp *word) *word { return pushAddress(sp, &f.self) }

func opOrigin(f *frame, _ *instr, sp *word) *word { return pushAddress(sp, &f.evm.tx.Origin) }

func opGasPrice(f *frame, _ *instr, sp *word) *word { return pushWord(sp, &f.evm.tx.GasPrice) }

func opBlockHash(f *frame, _ *instr, sp *word) *word {
	block := f.evm.block
	if !sp.IsUint64() || sp[0] >= block.Number || block.Number-sp[0] > blockHashesMax {
		sp.Clear()
		return sp
	}
	hash := block.BlockHash(sp[0])
	sp.SetBytes32(hash[:])
	return sp
}

func opCoinbase(f *frame, _ *instr, sp *word) *word {
	return pushAddress(sp, &f.evm.block.Coinbase)
}

func opTimestamp(f *frame, _ *instr, sp *word) *word {
	return pushUint64(sp, f.evm.block.Timestamp)
}

func opNumber(f *frame, _ *instr, sp *word) *word { return pushUint64(sp, f.evm.block.Number) }

func opPrevRandao(f *frame, _ *instr, sp *word) *word {
	sp = above(sp)
	sp.SetBytes32(f.evm.block.PrevRandao[:])
	return sp
}

func opGasLimit(f *frame, _ *instr, sp *word) *word { return pushUint64(sp, f.evm.block.GasLimit) }

func opChainID(f *frame, _ *instr, sp *word) *word { return pushUint64(sp, f.evm.block.ChainID) }

func opBaseFee(f *frame, _ *instr, sp *word) *word { return pushWord(sp, &f.evm.block.BaseFee) }

func opBlobHash(f *frame, _ *instr, sp *word) *word {
	hashes := f.evm.tx.BlobHashes
	if !sp.IsUint64() || sp[0] >= uint64(len(hashes)) {
		sp.Clear()
		return sp
	}
	sp.SetBytes32(hashes[sp[0]][:])
	return sp
}

func opBlobBaseFee(f *frame, _ *instr, sp *word) *word {
	return pushWord(sp, &f.evm.block.BlobBaseFee)
}
