package rpc

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
)

var fuzzBodies = []string{
	``, `null`, `[]`, `{}`, `[[]]`, `"\\"`, `"\""`, `{"a":"\\\""}`, `1e9`, `[1,null,true,"x",{"y":[]}]`,
	`{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}`,
	`{"jsonrpc":"2.0","id":"x","method":"eth_getBalance","params":["0x71562b71999873db5b286df957af199ec94617f7","latest"]}`,
	`[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},{"jsonrpc":"2.0","method":"eth_blockNumber"},7]`,
	`{"jsonrpc":"2.0","\u0069d":null,"method":"eth\u005fchainId","params":null}`,
	` [ { "id" : -1.5e-3 , "params" : { "]" : "}" } } ] `,
	`{"id":{"jsonrpc":"2.0"},"method":["x"]}`,
}

// FuzzBody gives arbitrary bodies to a whole server: the reply is nothing or
// valid JSON, a list exactly if the body is one that may be answered so.
func FuzzBody(f *testing.F) {
	for _, body := range fuzzBodies {
		f.Add([]byte(body))
	}
	backend := newFakeBackend()
	backend.mine(signTx(f, backend, 7, []byte("x")))
	// What waits or counts time has no place in a fuzz target.
	backend.submit = func(*types.Transaction) error { return ErrStatePruned }
	s := New(Config{MaxBatchItems: 100}, backend)
	f.Cleanup(func() { s.Shutdown(context.Background()) })
	f.Fuzz(func(t *testing.T, body []byte) {
		requests, batch := parseBody(body, 100)
		reply := s.answer(t.Context(), &exchange{}, nil, requests, batch)
		if len(reply) > 0 && !json.Valid(reply) {
			t.Errorf("%q: the reply is not JSON: %s", body, reply)
		}
		if strings.Contains(string(reply), errCrashed.Message) {
			t.Errorf("%q: %s", body, reply)
		}
	})
}

// FuzzScanner compares the scanner with encoding/json.
func FuzzScanner(f *testing.F) {
	for _, body := range fuzzBodies {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return
		}
		var want []json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			return
		}
		s := scanner{text: text}
		var got [][]byte
		for s.enter(); s.more(); {
			got = append(got, s.value())
		}
		if len(got) != len(want) {
			t.Fatalf("%q: got %d values; want %d", text, len(got), len(want))
		}
		for i := range got {
			if string(got[i]) != string(want[i]) {
				t.Errorf("%q: value %d: got %q; want %q", text, i, got[i], want[i])
			}
		}
	})
}

// FuzzParams gives arbitrary parameters to every reader of parameters.
func FuzzParams(f *testing.F) {
	readers := []func(*args){
		func(a *args) { a.address() },
		func(a *args) { a.hash() },
		func(a *args) { a.bytes() },
		func(a *args) { a.index() },
		func(a *args) { a.text() },
		func(a *args) { a.bool() },
		func(a *args) { a.optionalBool() },
		func(a *args) { a.count() },
		func(a *args) { a.optionalCount() },
		func(a *args) { a.storageKey() },
		func(a *args) { a.blockNumber() },
		func(a *args) { a.block() },
		func(a *args) { a.optionalBlock() },
		func(a *args) { a.logQuery() },
	}
	for i := range readers {
		for _, params := range []string{
			`[]`, `[null]`, `[1]`, `["0x1"]`, `["latest"]`, `[true]`, `{"x":1}`, `"x"`, `["0x` + strings.Repeat("a", 64) + `"]`,
			`[{"blockHash":"0x` + strings.Repeat("a", 64) + `","requireCanonical":true}]`, `[{"blockNumber":"0x1"}]`,
			`[{"address":["0x71562b71999873db5b286df957af199ec94617f7"],"topics":[null,["0x` + strings.Repeat("a", 64) + `",null]]}]`,
		} {
			f.Add(byte(i), []byte(params))
		}
	}
	f.Fuzz(func(t *testing.T, reader byte, params []byte) {
		requests, _ := parseBody([]byte(`{"jsonrpc":"2.0","id":1,"method":"x","params":`+string(params)+`}`), 1)
		if len(requests) != 1 {
			return
		}
		a := newArgs(requests[0].params)
		readers[int(reader)%len(readers)](&a)
		if err := a.end(); err != nil && asError(err).Code != codeInvalidParams {
			t.Errorf("%q: got %v", params, err)
		}
	})
}

// FuzzCallRequest gives arbitrary messages and overrides to eth_call's reader.
func FuzzCallRequest(f *testing.F) {
	for _, params := range []string{
		`[{}]`,
		`[{"from":"0x71562b71999873db5b286df957af199ec94617f7","to":null,"gas":"0x5208","value":"0x1","input":"0x","data":"0x01"},"latest"]`,
		`[{"gasPrice":"0x1","accessList":[{"address":"0x71562b71999873db5b286df957af199ec94617f7","storageKeys":[]}],"chainId":"0x539"},{"blockNumber":"0x0"}]`,
		`[{},"0x0",{"0x71562b71999873db5b286df957af199ec94617f7":{"nonce":"0x1","balance":"0x2","code":"0x60","stateDiff":{}}},{"time":"0x1","number":"0x2","baseFeePerGas":"0x3"}]`,
		`[{"authorizationList":[{"chainId":"0x1","address":"0x71562b71999873db5b286df957af199ec94617f7","nonce":"0x0","yParity":"0x0","r":"0x1","s":"0x1"}],"to":"0x71562b71999873db5b286df957af199ec94617f7"}]`,
	} {
		f.Add([]byte(params))
	}
	s := &Server{config: testConfig(), cfg: Config{}.withDefaults()}
	f.Fuzz(func(t *testing.T, params []byte) {
		requests, _ := parseBody([]byte(`{"jsonrpc":"2.0","id":1,"method":"x","params":`+string(params)+`}`), 1)
		if len(requests) != 1 {
			return
		}
		a := newArgs(requests[0].params)
		req, err := s.callRequest(&a)
		if err == nil && req.Msg.Gas > req.GasCap {
			t.Errorf("%q: gas %d is over the cap", params, req.Msg.Gas)
		}
	})
}
