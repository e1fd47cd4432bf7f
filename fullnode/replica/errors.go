package replica

import (
	"errors"
	"fmt"
)

// What can be wrong with a record.
var (
	ErrGap         = errors.New("gap in the stream")
	ErrMalformed   = errors.New("malformed record")
	ErrSignature   = errors.New("bad signature")
	ErrLink        = errors.New("does not continue the chain")
	ErrDiff        = errors.New("impossible state diff")
	ErrDiffHash    = errors.New("state diff mismatch")
	ErrGas         = errors.New("gas mismatch")
	ErrTxRoot      = errors.New("transaction root mismatch")
	ErrReceiptRoot = errors.New("receipt root mismatch")
	ErrHeader      = errors.New("header mismatch")
	ErrStateRoot   = errors.New("state root mismatch")
	ErrExecution   = errors.New("execution gives another result")
)

const (
	adviceServer  = "the bytes are not what the sequencer signed: follow another server"
	adviceStrange = "the sequencer signed what cannot be: keep the data directory as evidence and do not rely on this chain"
)

// advice says what to do.
var advice = map[error]string{
	ErrGap:         "start the node again: it asks for the records from where it stands",
	ErrMalformed:   adviceServer,
	ErrSignature:   "check that the genesis is that of the chain and that the server belongs to it",
	ErrLink:        "the sequencer has another chain than this node: if it was started anew, remove this node's data directory; if it was not, keep both as evidence",
	ErrDiff:        adviceStrange,
	ErrDiffHash:    adviceServer,
	ErrGas:         adviceStrange,
	ErrTxRoot:      adviceServer,
	ErrReceiptRoot: adviceServer,
	ErrHeader:      adviceStrange,
	ErrStateRoot:   "the state of this node is not the one that the sequencer signed: remove the data directory to follow the chain anew; if it happens again, do not rely on this chain",
	ErrExecution:   adviceStrange,
}

// Error says why a record was refused. Err is one of this package's errors.
type Error struct {
	Seq    uint64 // sequence number of the record
	Record string // what it holds
	Err    error
	Detail string // what was got and wanted
}

func (e *Error) Error() string {
	return fmt.Sprintf("cannot follow the chain at record %d: %s: %v: %s; %s", e.Seq, e.Record, e.Err, e.Detail, advice[e.Err])
}

func (e *Error) Unwrap() error { return e.Err }

// fault is an Error whose place is not known yet.
func fault(err error, format string, args ...any) *Error {
	return &Error{Err: err, Detail: fmt.Sprintf(format, args...)}
}

// mismatch is the fault of a value that differs from what the header says.
func mismatch(err error, got, want any) *Error { return fault(err, "got %v; want %v", got, want) }
