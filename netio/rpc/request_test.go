package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

const alive = `"result":"0x539"` // what eth_chainId answers

func TestAnswers(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{ClientVersion: `Redline/"1"`})
	tx := signTx(t, f, 7, []byte("x"))
	f.mine(tx)
	for _, c := range []struct{ method, params, want string }{
		{"web3_clientVersion", `[]`, `"result":"Redline/\"1\""`},
		{"web3_sha3", `["0x68656c6c6f"]`, `"result":"0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8"`},
		{"net_version", `[]`, `"result":"1337"`},
		{"net_listening", `null`, `"result":true`},
		{"net_peerCount", `[]`, `"result":"0x3"`},
		{"rpc_modules", `[]`, `"result":{"eth":"1.0","net":"1.0","realtime":"1.0","rpc":"1.0","txpool":"1.0","web3":"1.0"}`},
		{"txpool_status", `[]`, `"result":{"pending":"0x0","queued":"0x1"}`},
		{"eth_accounts", `[]`, `"result":[]`},
		{"eth_syncing", `[]`, `"result":false`},
		{"eth_blobBaseFee", `[]`, `"result":"0x1"`},
		{"eth_getCode", `["0x1111111111111111111111111111111111111111"]`, `"result":"0x"`},
		{"eth_getBalance", `["0x1111111111111111111111111111111111111111","pending"]`, `"result":"0x0"`},
		{"eth_getBlockByNumber", `["0x99",true]`, `"result":null`},
		{"eth_getTransactionByHash", `["0x` + strings.Repeat("0", 64) + `"]`, `"result":null`},
		{"eth_getRawTransactionByHash", `["` + tx.Hash().Hex() + `"]`, `"result":"` + rawHex(t, tx) + `"`},
		{"eth_getBlockTransactionCountByNumber", `["latest"]`, `"result":"0x1"`},
		{"eth_getBlockTransactionCountByNumber", `["0x7"]`, `"result":null`},
		{"eth_getTransactionByBlockNumberAndIndex", `["latest","0x5"]`, `"result":null`},
		{"eth_getUncleCountByBlockNumber", `["latest"]`, `"result":"0x0"`},
		{"eth_getUncleByBlockNumberAndIndex", `["latest","0x0"]`, `"result":null`},
		{"eth_getBlockReceipts", `["earliest"]`, `"result":[]`},
		{"eth_feeHistory", `[0,"latest",[]]`, `"result":{"oldestBlock":"0x0","baseFeePerGas":[],"gasUsedRatio":[],"baseFeePerBlobGas":[],"blobGasUsedRatio":[]}`},

		// Errors, with geth's codes and texts.
		{"eth_fillTransaction", `[{}]`, `"error":{"code":-32601,"message":"the method eth_fillTransaction does not exist/is not available"}`},
		{"hardhat_metadata", `[]`, `"error":{"code":-32601,"message":"the method hardhat_metadata does not exist/is not available"}`},
		{"eth_getBalance", `[]`, `"error":{"code":-32602,"message":"missing value for required argument 0"}`},
		{"eth_getBalance", `[null,"latest"]`, `"error":{"code":-32602,"message":"missing value for required argument 0"}`},
		{"eth_getBalance", `{"a":1}`, `"error":{"code":-32602,"message":"non-array args"}`},
		{"eth_getBalance", `["0x11"]`, `"error":{"code":-32602,"message":"invalid argument 0: hex string has length 2, want 40 for common.Address"}`},
		{"eth_getBalance", `["1111111111111111111111111111111111111111"]`, `"error":{"code":-32602,"message":"invalid argument 0: json: cannot unmarshal hex string without 0x prefix into Go value of type common.Address"}`},
		{"eth_getBalance", `[7]`, `"error":{"code":-32602,"message":"invalid argument 0: json: cannot unmarshal non-string into Go value of type common.Address"}`},
		{"eth_getBalance", `["0x1111111111111111111111111111111111111111","0x01"]`, `"error":{"code":-32602,"message":"invalid argument 1: hex number with leading zero digits"}`},
		{"eth_getBalance", `["0x1111111111111111111111111111111111111111","newest"]`, `"error":{"code":-32602,"message":"invalid argument 1: hex string without 0x prefix"}`},
		{"eth_getBalance", `["0x1111111111111111111111111111111111111111","0x99"]`, `"error":{"code":-32000,"message":"header not found"}`},
		{"eth_getBalance", `["0x1111111111111111111111111111111111111111",{"blockHash":"0x` + strings.Repeat("1", 64) + `"}]`, `"error":{"code":-32000,"message":"header for hash not found"}`},
		{"eth_getBalance", `["0x1111111111111111111111111111111111111111",{}]`, `"error":{"code":-32602,"message":"invalid argument 1: must specify either BlockHash or BlockNumber"}`},
		{"eth_getBalance", `["0x1111111111111111111111111111111111111111","latest",1]`, `"error":{"code":-32602,"message":"too many arguments, want at most 2"}`},
		{"eth_chainId", `[1]`, `"error":{"code":-32602,"message":"too many arguments, want at most 0"}`},
		{"eth_getStorageAt", `["0xaa00000000000000000000000000000000000000","0xasdf","latest"]`, `"error":{"code":-32602,"message":"invalid hex in storage key: \"0xasdf\""}`},
		{"eth_getStorageAt", `["0xaa00000000000000000000000000000000000000","0x","latest"]`, `"result":"0x` + strings.Repeat("0", 63) + `1"`},
		{"eth_getStorageAt", `["0xaa00000000000000000000000000000000000000","0","latest"]`, `"result":"0x` + strings.Repeat("0", 63) + `1"`},
		{"eth_getStorageAt", `["0xaa00000000000000000000000000000000000000","0x` + strings.Repeat("0", 65) + `","latest"]`,
			`"error":{"code":-32602,"message":"storage key too long (want at most 32 bytes): \"0x` + strings.Repeat("0", 65) + `\""}`},
		{"eth_getBlockByNumber", `["latest"]`, `"error":{"code":-32602,"message":"missing value for required argument 1"}`},
		{"eth_getBlockByNumber", `["latest","yes"]`, `"error":{"code":-32602,"message":"invalid argument 1: json: cannot unmarshal string into Go value of type bool"}`},
		{"eth_feeHistory", `[1,"0x99",[]]`, `"error":{"code":-32000,"message":"request beyond head block: requested 153, head 1"}`},
		{"eth_feeHistory", `[1,"latest",[101]]`, `"error":{"code":-32000,"message":"invalid reward percentile: 101.000000"}`},
		{"eth_feeHistory", `[1,"latest",[50,20]]`, `"error":{"code":-32000,"message":"invalid reward percentile: #0:50.000000 \u003e= #1:20.000000"}`},
		{"eth_call", `[{"gasPrice":"0x1","maxFeePerGas":"0x1"}]`, `"error":{"code":-32000,"message":"both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"}`},
		{"eth_call", `[{"chainId":"0x1"}]`, `"error":{"code":-32000,"message":"chainId does not match node's (have=1, want=1337)"}`},
		{"eth_call", `[{"maxFeePerBlobGas":"0x1"}]`, `"error":{"code":-32000,"message":"maxFeePerBlobGas specified without blobVersionedHashes"}`},
		{"eth_call", `[{},"latest",{"0x1111111111111111111111111111111111111111":{"state":{},"stateDiff":{}}}]`, `"error":{"code":-32000,"message":"account 0x1111111111111111111111111111111111111111 has both 'state' and 'stateDiff'"}`},
		{"eth_call", `[{},"latest",{},{"beaconRoot":"0x` + strings.Repeat("1", 64) + `"}]`, `"error":{"code":-32000,"message":"block override \"beaconRoot\" is not supported for this RPC method"}`},
		{"eth_sendRawTransaction", `["0x"]`, `"error":{"code":-32000,"message":"typed transaction too short"}`},
		{"eth_sendRawTransaction", `["0xf8"]`, `"error":{"code":-32000,"message":"rlp: value size exceeds available input length"}`},
		{"eth_sendRawTransaction", `["0x7f00"]`, `"error":{"code":-32000,"message":"transaction type not supported"}`},
		{"eth_sendRawTransaction", `["zz"]`, `"error":{"code":-32602,"message":"invalid argument 0: json: cannot unmarshal hex string without 0x prefix into Go value of type hexutil.Bytes"}`},
		{"eth_getLogs", `[{"fromBlock":"0x1","toBlock":"0x0"}]`, `"error":{"code":-32602,"message":"invalid block range params"}`},
		{"eth_getLogs", `[{"fromBlock":"0x1","toBlock":"0x9"}]`, `"error":{"code":-32602,"message":"block range extends beyond current head block"}`},
		{"eth_getLogs", `[{"topics":["0x1"]}]`, `"error":{"code":-32602,"message":"invalid argument 0: hex string of odd length"}`},
		{"eth_getLogs", `[{"topics":[[],[],[],[],[]]}]`, `"error":{"code":-32602,"message":"invalid argument 0: exceed max topics"}`},
		{"eth_getLogs", `[{"address":[1]}]`, `"error":{"code":-32602,"message":"invalid argument 0: non-string address at index 0"}`},
		{"eth_getLogs", `[{"blockHash":"0x` + strings.Repeat("1", 64) + `"}]`, `"error":{"code":-32000,"message":"unknown block"}`},
		{"eth_getLogs", `[{"fromBlock":"pending","toBlock":"pending","address":"0x1111111111111111111111111111111111111111"}]`, `"result":[]`},
		{"eth_getFilterChanges", `["0x1"]`, `"error":{"code":-32000,"message":"filter not found"}`},
		{"eth_uninstallFilter", `["0x1"]`, `"result":false`},
		{"eth_subscribe", `["newHeads"]`, `"error":{"code":-32601,"message":"notifications not supported"}`},
		{"eth_unsubscribe", `["0x1"]`, `"error":{"code":-32000,"message":"subscription not found"}`},
	} {
		s.check(c.method, c.params, c.want)
	}
}

// Calls must leave a processor to the goroutine that makes the chain.
func TestCallSlotsLeaveAProcessor(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for procs, want := range map[int]int{1: 1, 2: 1, 8: 7} {
		runtime.GOMAXPROCS(procs)
		if got := (Config{}).withDefaults().CallSlots; got != want {
			t.Errorf("%d processors: got %d calls at once; want %d", procs, got, want)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	s := startServer(t, newFakeBackend(), Config{MaxBatchItems: 3})
	deep := strings.Repeat("[", 100_000)
	for _, c := range []struct{ body, want string }{
		{``, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`},
		{`garbage`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`},
		{`{"jsonrpc":"2.0","id":1,`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`},
		{deep, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`},
		{deep + strings.Repeat("]", len(deep)), `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`},
		{"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"eth_chainId\"}", `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`},
		{`{"jsonrpc":"2.0","id":"ü","method":"eth_chainId"}`, `{"jsonrpc":"2.0","id":"ü","result":"0x539"}`},
		{`7`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request"}}`},
		{`null`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request"}}`},
		{`"eth_chainId"`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request"}}`},
		{`{}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request"}}`},
		{`{"id":1,"method":"eth_chainId"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid request"}}`},
		{`{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid request"}}`},
		{`{"jsonrpc":2.0,"id":1,"method":"eth_chainId"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid request"}}`},
		{`{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":7}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid request"}}`},
		{`{"jsonrpc":"2.0","method":"eth_chainId"}`, ``},
		{`{"jsonrpc":"2.0","id":"a\"b","method":"eth_chainId","params":null}`, `{"jsonrpc":"2.0","id":"a\"b","result":"0x539"}`},
		{` { "method" : "eth\u005fchainId" , "\u0069d" : 1e2 , "jsonrpc" : "2.0", "more": [{"}":"]"}] } `, `{"jsonrpc":"2.0","id":1e2,"result":"0x539"}`},
		{`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("m", 2049) + `"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"method name too long: 2049 \u003e 2048"}}`},
		{`[]`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty batch"}}`},
		{`[1,{"jsonrpc":"2.0","method":"eth_chainId"},{"jsonrpc":"2.0","id":5,"method":"eth_chainId"}]`,
			`[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request"}},{"jsonrpc":"2.0","id":5,"result":"0x539"}]`},
		{`[{"jsonrpc":"2.0","method":"eth_chainId"},{"jsonrpc":"2.0","method":"eth_chainId"}]`, ``},
		{`[{"jsonrpc":"2.0","id":5,"method":"a"},2,3,4]`, `[{"jsonrpc":"2.0","id":5,"error":{"code":-32600,"message":"batch too large"}}]`},
	} {
		if status, got := s.post(c.body); status != http.StatusOK || got != c.want {
			t.Errorf("%.80s:\ngot  %d %s\nwant %s", c.body, status, got, c.want)
		}
	}
	s.check("eth_chainId", "[]", alive)
}

// TestHealthSaysWhatIsWrong answers by a status that a program can act on.
func TestHealthSaysWhatIsWrong(t *testing.T) {
	f := newFakeBackend()
	f.fault = errors.New("no space left on device")
	s := startServer(t, f, Config{})
	resp, err := http.Get("http://" + s.addr + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), `"error":"no space left on device"`) {
		t.Errorf("got %d %s, %v", resp.StatusCode, body, err)
	}
}

func TestHTTP(t *testing.T) {
	s := startServer(t, newFakeBackend(), Config{MaxBodyBytes: 1 << 16, Origins: []string{"https://wallet.example"}})
	const chainID = `{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`
	for _, c := range []struct {
		name, method, path, header, body string
		want                             int
	}{
		{"health", "GET", "/", "", "", 200},
		{"health by name", "GET", "/health", "", "", 200},
		{"elsewhere", "GET", "/etc/passwd", "", "", 404},
		{"put", "PUT", "/", "", chainID, 405},
		{"delete", "DELETE", "/", "", "", 405},
		{"form", "POST", "/", "Content-Type: application/x-www-form-urlencoded", chainID, 415},
		{"no type", "POST", "/", "", chainID, 415},
		{"charset", "POST", "/", "Content-Type: application/json; charset=utf-8", chainID, 200},
		{"too large", "POST", "/", "Content-Type: application/json", strings.Repeat(" ", 1<<16+1), 413},
		{"as large as allowed", "POST", "/", "Content-Type: application/json", chainID + strings.Repeat(" ", 1<<16-len(chainID)), 200},
	} {
		req, err := http.NewRequest(c.method, "http://"+s.addr+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if name, value, ok := strings.Cut(c.header, ": "); ok {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: got status %d; want %d", c.name, resp.StatusCode, c.want)
		}
	}
	// A body without a length cannot be refused before it is read.
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr, struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", 1<<17))})
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("chunked body: got status %d", resp.StatusCode)
		}
	}
	s.check("eth_chainId", "[]", alive)
}

func TestCORS(t *testing.T) {
	s := startServer(t, newFakeBackend(), Config{Origins: []string{"https://wallet.example"}})
	for origin, want := range map[string]string{
		"https://wallet.example": "https://wallet.example",
		"https://evil.example":   "",
		"":                       "",
	} {
		req, err := http.NewRequest(http.MethodOptions, "http://"+s.addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		req.Header.Set("Access-Control-Request-Headers", "content-type")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != want || resp.StatusCode != http.StatusNoContent {
			t.Errorf("origin %q: got %q, status %d; want %q", origin, got, resp.StatusCode, want)
		}
		if got := resp.Header.Get("Access-Control-Allow-Headers"); want != "" && got != "content-type" {
			t.Errorf("origin %q: got allowed headers %q", origin, got)
		}
	}
}

func TestErrorsOfTheBackend(t *testing.T) {
	f := newFakeBackend()
	var result *CallResult
	var failure error
	f.call = func(context.Context, *CallRequest) (*CallResult, error) { return result, failure }
	s := startServer(t, f, Config{})
	reason := "\x08\xc3\x79\xa0" + strings.Repeat("\x00", 31) + "\x20" + strings.Repeat("\x00", 31) + "\x02" + "no" + strings.Repeat("\x00", 30)
	for _, c := range []struct {
		result *CallResult
		err    error
		want   string
	}{
		{&CallResult{Output: []byte{1}}, nil, `"result":"0x01"`},
		{&CallResult{Reverted: true}, nil, `"error":{"code":3,"message":"execution reverted","data":"0x"}`},
		{&CallResult{Reverted: true, Output: []byte{1}}, nil, `"error":{"code":3,"message":"execution reverted","data":"0x01"}`},
		{&CallResult{Reverted: true, Output: []byte(reason)}, nil, fmt.Sprintf(`"error":{"code":3,"message":"execution reverted: no","data":"0x%x"}`, reason)},
		{&CallResult{Failure: "out of gas"}, nil, `"error":{"code":-32000,"message":"out of gas"}`},
		{nil, ErrStatePruned, `"error":{"code":-32000,"message":"historical state is not available"}`},
		{nil, &Error{Code: -38013, Message: "intrinsic gas too low"}, `"error":{"code":-38013,"message":"intrinsic gas too low"}`},
		{nil, fmt.Errorf("upstream: %w", &Error{Code: 9, Message: "m", Data: "d"}), `"error":{"code":9,"message":"m","data":"d"}`},
		{nil, errors.New("disk is gone"), `"error":{"code":-32000,"message":"disk is gone"}`},
	} {
		result, failure = c.result, c.err
		s.check("eth_call", `[{}]`, c.want)
	}
	f.call = func(context.Context, *CallRequest) (*CallResult, error) { panic("bug") }
	s.check("eth_call", `[{}]`, `"error":{"code":-32603,"message":"method handler crashed"}`)
	s.check("eth_chainId", "[]", alive)
}

// What was read from a state that has gone meanwhile must not be told.
func TestExpiredStateIsAnError(t *testing.T) {
	f := newFakeBackend()
	f.expired = true
	s := startServer(t, f, Config{})
	for method, params := range map[string]string{
		"eth_getBalance":          `["0x1111111111111111111111111111111111111111","latest"]`,
		"eth_getCode":             `["0x1111111111111111111111111111111111111111","latest"]`,
		"eth_getStorageAt":        `["0x1111111111111111111111111111111111111111","0x0","latest"]`,
		"eth_getTransactionCount": `["0x1111111111111111111111111111111111111111","latest"]`,
	} {
		s.check(method, params, `"error":{"code":-32000,"message":"the chain moved on too fast for this request: the node is catching up, try again"}`)
	}
}

func TestCallTimeoutAndSlots(t *testing.T) {
	f := newFakeBackend()
	running := make(chan struct{}, 10)
	f.call = func(ctx context.Context, _ *CallRequest) (*CallResult, error) {
		running <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s := startServer(t, f, Config{CallTimeout: 300 * time.Millisecond, CallSlots: 1})
	answers := make(chan string, 2)
	for range 2 {
		go func() { answers <- s.ask("eth_call", `[{}]`) }()
	}
	<-running
	if len(running) != 0 {
		t.Error("two calls run; want one slot")
	}
	s.check("eth_chainId", "[]", alive) // does not need a slot
	for range 2 {
		if got, want := <-answers, `"error":{"code":-32000,"message":"execution aborted (timeout = 300ms)"}`; got != want {
			t.Errorf("got %s; want %s", got, want)
		}
	}
}

// The wait for a slot counts as time of the request.
func TestWaitForSlotEnds(t *testing.T) {
	f := newFakeBackend()
	running := make(chan struct{})
	end := make(chan struct{})
	f.call = func(context.Context, *CallRequest) (*CallResult, error) {
		running <- struct{}{}
		<-end
		return &CallResult{}, nil
	}
	s := startServer(t, f, Config{RequestTimeout: 300 * time.Millisecond, CallSlots: 1})
	first := make(chan string, 1)
	go func() { first <- s.ask("eth_call", `[{}]`) }()
	<-running
	s.check("eth_call", `[{}]`, `"error":{"code":-32002,"message":"request timed out"}`)
	close(end)
	if got, want := <-first, `"result":"0x"`; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}

func TestBatchLimits(t *testing.T) {
	f := newFakeBackend()
	f.call = func(context.Context, *CallRequest) (*CallResult, error) {
		return &CallResult{Output: make([]byte, 1000)}, nil
	}
	s := startServer(t, f, Config{MaxReplyBytes: 5000})
	item := `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{}]}`
	_, answer := s.post("[" + strings.Repeat(item+",", 9) + item + "]")
	if got := strings.Count(answer, `"result"`); got != 2 {
		t.Errorf("got %d results; want the 2 that fit", got)
	}
	if got := strings.Count(answer, `{"code":-32003,"message":"response too large"}`); got != 8 {
		t.Errorf("got %d refusals; want 8", got)
	}
}

// Whoever reads a large reply slowly must not make the server hold many.
func TestReplyBudget(t *testing.T) {
	f := newFakeBackend()
	f.call = func(context.Context, *CallRequest) (*CallResult, error) {
		return &CallResult{Output: make([]byte, 2*smallReplyBytes)}, nil
	}
	s := startServer(t, f, Config{RepliesBytes: 10 << 20})
	if got := len(s.ask("eth_call", `[{}]`)); got < 4*smallReplyBytes {
		t.Errorf("got %d bytes", got)
	}
	eventually(t, "the bytes are given back", func() bool { return s.replies.taken.Load() == 0 })
	f.call = func(context.Context, *CallRequest) (*CallResult, error) {
		return &CallResult{Output: make([]byte, 8<<20)}, nil
	}
	if status, _ := s.post(`{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{}]}`); status != http.StatusServiceUnavailable {
		t.Errorf("a reply over the budget: got status %d", status)
	}
	s.check("eth_chainId", "[]", alive)
}

func TestModules(t *testing.T) {
	s := startServer(t, newFakeBackend(), Config{Modules: []string{"net", "rpc"}})
	s.check("net_version", "[]", `"result":"1337"`)
	s.check("rpc_modules", "[]", `"result":{"net":"1.0","rpc":"1.0"}`)
	s.check("eth_chainId", "[]", `"error":{"code":-32601,"message":"the method eth_chainId does not exist/is not available"}`)
}

func TestBodyBudget(t *testing.T) {
	b := newBudget(100)
	if !b.take(60) || b.take(60) {
		t.Fatal("a budget of 100 must hold 60 once")
	}
	b.give(60)
	if !b.take(100) {
		t.Fatal("what is given back is there again")
	}
	s := startServer(t, newFakeBackend(), Config{BodiesBytes: 100_000})
	if status, _ := s.post(strings.Repeat(" ", 200_000)); status != http.StatusServiceUnavailable {
		t.Errorf("a body over the budget: got status %d", status)
	}
	if got := s.bodies.taken.Load(); got != 0 {
		t.Errorf("%d bytes stay taken", got)
	}
	s.check("eth_chainId", "[]", alive)
}
