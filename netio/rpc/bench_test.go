package rpc

import (
	"io"
	"testing"

	"github.com/valyala/fasthttp"
)

// BenchmarkServer measures requests over loopback, client included.
func BenchmarkServer(b *testing.B) {
	f := newFakeBackend()
	tx := signTx(b, f, 7, []byte("x"))
	f.mine(tx)
	for _, c := range []struct{ name, body string }{
		{"blockNumber", `{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}`},
		{"getBalance", `{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x71562b71999873db5b286df957af199ec94617f7","latest"]}`},
		{"receipt", `{"jsonrpc":"2.0","id":1,"method":"eth_getTransactionReceipt","params":["` + tx.Hash().Hex() + `"]}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := startServer(b, f, Config{})
			client := &fasthttp.HostClient{Addr: s.addr, MaxConns: 64}
			b.SetParallelism(4)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var req fasthttp.Request
				var resp fasthttp.Response
				req.SetRequestURI("http://" + s.addr)
				req.Header.SetMethod("POST")
				req.Header.SetContentType("application/json")
				req.SetBodyString(c.body)
				for pb.Next() {
					if err := client.Do(&req, &resp); err != nil || resp.StatusCode() != 200 {
						b.Error(err, resp.StatusCode())
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// BenchmarkAnswer measures what the server itself does with a body.
func BenchmarkAnswer(b *testing.B) {
	f := newFakeBackend()
	s := New(Config{}, f)
	b.Cleanup(func() { s.Shutdown(b.Context()) })
	for _, c := range []struct{ name, body string }{
		{"blockNumber", `{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}`},
		{"unknown", `{"jsonrpc":"2.0","id":1,"method":"eth_fillTransaction","params":[]}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			body, reply := []byte(c.body), []byte(nil)
			b.ReportAllocs()
			for b.Loop() {
				requests, batch := parseBody(body, 100)
				reply = s.answer(b.Context(), &exchange{}, reply[:0], requests, batch)
			}
			io.Discard.Write(reply)
		})
	}
}
