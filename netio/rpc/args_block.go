package rpc

import (
	"encoding/json"
	"errors"
	"math"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

var blockTags = map[string]BlockTag{
	"latest":    TagLatest,
	"pending":   TagPending,
	"safe":      TagSafe,
	"finalized": TagFinalized,
	"earliest":  TagEarliest,
}

// blockNumber reads a block number or tag.
func (a *args) blockNumber() BlockRef {
	text := a.required()
	if text == nil {
		return BlockRef{}
	}
	ref, err := parseBlockNumber(text)
	a.reject(err)
	return ref
}

// block reads a block number, tag or hash, or an object of EIP-1898.
func (a *args) block() BlockRef {
	text := a.required()
	if text == nil {
		return BlockRef{}
	}
	ref, err := parseBlock(text)
	a.reject(err)
	return ref
}

// optionalBlock is block with `latest` for a missing parameter.
func (a *args) optionalBlock() BlockRef {
	text := a.optional()
	if text == nil {
		return Latest()
	}
	ref, err := parseBlock(text)
	a.reject(err)
	return ref
}

func parseBlockNumber(text []byte) (BlockRef, error) {
	input := string(text)
	if s, ok := unquote(text); ok {
		input = string(s)
	}
	if tag, ok := blockTags[input]; ok {
		return BlockRef{Tag: tag}, nil
	}
	number, err := hexutil.DecodeUint64(input)
	if err == nil && number > math.MaxInt64 {
		err = errors.New("block number larger than int64")
	}
	return ByNumber(number), err
}

func parseBlock(text []byte) (BlockRef, error) {
	if text[0] == '{' {
		return parseBlockObject(text)
	}
	var input string
	if err := json.Unmarshal(text, &input); err != nil {
		return BlockRef{}, err
	}
	if tag, ok := blockTags[input]; ok {
		return BlockRef{Tag: tag}, nil
	}
	if len(input) == 2+2*common.HashLength {
		var hash common.Hash
		err := hash.UnmarshalText([]byte(input))
		return ByHash(hash), err
	}
	number, err := hexutil.DecodeUint64(input)
	if err == nil && number > math.MaxInt64 {
		err = errors.New("blocknumber too high")
	}
	return ByNumber(number), err
}

// parseBlockObject reads the object of EIP-1898. This chain has no forks, so
// each block is canonical and requireCanonical asks for nothing.
func parseBlockObject(text []byte) (BlockRef, error) {
	var object struct {
		BlockNumber      *blockNumberJSON
		BlockHash        *common.Hash
		RequireCanonical bool
	}
	if err := json.Unmarshal(text, &object); err != nil {
		return BlockRef{}, err
	}
	switch number, hash := object.BlockNumber, object.BlockHash; {
	case number != nil && hash != nil:
		return BlockRef{}, errors.New("cannot specify both BlockHash and BlockNumber, choose one or the other")
	case number != nil:
		return BlockRef(*number), nil
	case hash != nil:
		return ByHash(*hash), nil
	default:
		return BlockRef{}, errors.New("must specify either BlockHash or BlockNumber")
	}
}

// blockNumberJSON is a block number or tag inside an object.
type blockNumberJSON BlockRef

func (b *blockNumberJSON) UnmarshalJSON(text []byte) error {
	ref, err := parseBlockNumber(text)
	*b = blockNumberJSON(ref)
	return err
}
