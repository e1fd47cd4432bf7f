package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// Error is a JSON-RPC error with a code of its own and, if Data is not empty,
// a data string.
type Error struct {
	Code    int
	Message string
	Data    string
}

func (e *Error) Error() string { return e.Message }

// Codes of JSON-RPC 2.0, of geth, and of EIP-7966.
const (
	codeParse            = -32700
	codeInvalidRequest   = -32600
	codeMethodNotFound   = -32601
	codeInvalidParams    = -32602
	codeInternal         = -32603
	codeDefault          = -32000
	codeTimeout          = -32002
	codeResponseTooLarge = -32003
	codeLimitExceeded    = -32005
	codeReverted         = 3
	codeSyncTimeout      = 4
	codeSyncNotReady     = 5
)

var (
	errParse          = &Error{Code: codeParse, Message: "parse error"}
	errInvalidRequest = &Error{Code: codeInvalidRequest, Message: "invalid request"}
	errEmptyBatch     = &Error{Code: codeInvalidRequest, Message: "empty batch"}
	errBatchTooLarge  = &Error{Code: codeInvalidRequest, Message: "batch too large"}
	errReplyTooLarge  = &Error{Code: codeResponseTooLarge, Message: "response too large"}
	errTimeout        = &Error{Code: codeTimeout, Message: "request timed out"}
	errCrashed        = &Error{Code: codeInternal, Message: "method handler crashed"}
	errShuttingDown   = &Error{Code: codeDefault, Message: "server is shutting down"}
	errNotifications  = &Error{Code: codeMethodNotFound, Message: "notifications not supported"}

	errUnknownBlockHash     = errors.New("header for hash not found")
	errUnknownBlockLogs     = errors.New("unknown block")
	errFilterNotFound       = errors.New("filter not found")
	errSubscriptionNotFound = errors.New("subscription not found")
)

func invalidParams(format string, args ...any) *Error {
	return &Error{Code: codeInvalidParams, Message: fmt.Sprintf(format, args...)}
}

func limitExceeded(format string, args ...any) *Error {
	return &Error{Code: codeLimitExceeded, Message: fmt.Sprintf(format, args...)}
}

func methodNotFound(name []byte) *Error {
	return &Error{
		Code:    codeMethodNotFound,
		Message: fmt.Sprintf("the method %s does not exist/is not available", name),
	}
}

// revertError says what a reverted call wanted to say: its reason in words if
// it is one that Solidity knows, and the whole of it as data.
func revertError(output []byte) *Error {
	message := "execution reverted"
	if reason, err := abi.UnpackRevert(output); err == nil {
		message += ": " + reason
	}
	return &Error{Code: codeReverted, Message: message, Data: hexutil.Encode(output)}
}

// asError gives every error the form in which a client sees it.
func asError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	case errors.Is(err, context.Canceled):
		return errShuttingDown
	default:
		return &Error{Code: codeDefault, Message: err.Error()}
	}
}

// appendError appends the JSON object of an error.
func appendError(dst []byte, e *Error) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(e.Code), 10)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	if e.Data != "" {
		dst = append(dst, `,"data":`...)
		dst = appendString(dst, e.Data)
	}
	return append(dst, '}')
}

func appendString(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot quote %q: %v", s, err))
	}
	return append(dst, quoted...)
}
