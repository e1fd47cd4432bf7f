package rpc

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// args reads the positional parameters of a request one after the other. The
// first error stays and every later read gives a zero value, so a method reads
// all its parameters and asks end once.
//
// The texts of the errors are geth's, and so are its decoders where they are
// importable: hexutil and the JSON methods of common.Address and common.Hash.
type args struct {
	scan scanner
	read int // parameters read so far
	err  *Error
}

func newArgs(params []byte) args {
	switch {
	case params == nil || isNull(params):
		return args{}
	case params[0] != '[':
		return args{err: invalidParams("non-array args")}
	}
	a := args{scan: scanner{text: params}}
	a.scan.enter()
	return a
}

// end returns the first error, or one that says that there are more parameters
// than the method has read.
func (a *args) end() error {
	if a.err == nil && a.scan.more() {
		a.err = invalidParams("too many arguments, want at most %d", a.read)
	}
	if a.err != nil {
		return a.err
	}
	return nil
}

// optional returns the text of the next parameter, or nil if it is missing or
// null.
func (a *args) optional() []byte {
	if a.err != nil {
		return nil
	}
	a.read++
	if !a.scan.more() {
		return nil
	}
	if text := a.scan.value(); !isNull(text) {
		return text
	}
	return nil
}

// required is optional for a parameter that must be there.
func (a *args) required() []byte {
	text := a.optional()
	if text == nil && a.err == nil {
		a.err = invalidParams("missing value for required argument %d", a.read-1)
	}
	return text
}

// reject keeps err as the reason why the parameter read last is wrong.
func (a *args) reject(err error) {
	if err != nil && a.err == nil {
		a.err = invalidParams("invalid argument %d: %v", a.read-1, err)
	}
}

// decode reads a required parameter by its own JSON method.
func (a *args) decode(v json.Unmarshaler) {
	if text := a.required(); text != nil {
		a.reject(v.UnmarshalJSON(text))
	}
}

// decodeAny reads a parameter by reflection; a nil text leaves v as it is.
func (a *args) decodeAny(text []byte, v any) {
	if text != nil {
		a.reject(json.Unmarshal(text, v))
	}
}

func (a *args) address() (addr common.Address) {
	a.decode(&addr)
	return addr
}

func (a *args) hash() (hash common.Hash) {
	a.decode(&hash)
	return hash
}

func (a *args) bytes() (data hexutil.Bytes) {
	a.decode(&data)
	return data
}

func (a *args) index() uint64 {
	var index hexutil.Uint
	a.decode(&index)
	return uint64(index)
}

func (a *args) text() (s string) {
	a.decodeAny(a.required(), &s)
	return s
}

func (a *args) bool() (b bool) {
	a.decodeAny(a.required(), &b)
	return b
}

func (a *args) optionalBool() (b bool) {
	a.decodeAny(a.optional(), &b)
	return b
}

// count reads a number that clients send as a JSON number or in hex.
func (a *args) count() uint64 {
	n, err := parseCount(a.required())
	a.reject(err)
	return n
}

// optionalCount is count for a parameter that may be missing, and then zero.
func (a *args) optionalCount() uint64 {
	n, err := parseCount(a.optional())
	a.reject(err)
	return n
}

func parseCount(text []byte) (n uint64, err error) {
	switch {
	case text == nil:
		return 0, nil
	case text[0] == '"':
		err = (*hexutil.Uint64)(&n).UnmarshalJSON(text)
	default:
		err = json.Unmarshal(text, &n)
	}
	return n, err
}

// storageKey reads the key of a storage slot: up to 32 bytes of hex, with or
// without prefix. Its errors do not name the argument, as in geth.
func (a *args) storageKey() common.Hash {
	text := a.text()
	if a.err != nil {
		return common.Hash{}
	}
	key, err := parseStorageKey(text)
	if err != nil {
		a.err = invalidParams("%v: %q", err, text)
	}
	return key
}

func parseStorageKey(text string) (common.Hash, error) {
	digits := text
	if strings.HasPrefix(digits, "0x") || strings.HasPrefix(digits, "0X") {
		digits = digits[2:]
	}
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	if len(digits) > 2*common.HashLength {
		return common.Hash{}, errors.New("storage key too long (want at most 32 bytes)")
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return common.Hash{}, errors.New("invalid hex in storage key")
	}
	return common.BytesToHash(raw), nil
}

// decodeFixed decodes hex of a known length; what names it in errors.
func decodeFixed(text string, want int, what string) ([]byte, error) {
	raw, err := hexutil.Decode(text)
	if err == nil && len(raw) != want {
		err = fmt.Errorf("hex has invalid length %d after decoding; expected %d for %s", len(raw), want, what)
	}
	return raw, err
}
