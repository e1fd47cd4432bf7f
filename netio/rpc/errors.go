package rpc

// Error is a JSON-RPC error with a code of its own and, if Data is not empty,
// a data string.
type Error struct {
	Code    int
	Message string
	Data    string
}

func (e *Error) Error() string { return e.Message }
