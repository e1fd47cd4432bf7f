package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

func TestSendRaw(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{})
	tx := signTx(t, f, 7, nil)
	s.check("eth_sendRawTransaction", `["`+rawHex(t, tx)+`"]`, `"result":"`+tx.Hash().Hex()+`"`)
	s.check("eth_sendRawTransaction", `["`+rawHex(t, tx)+`"]`, `"error":{"code":-32000,"message":"already known"}`)
	if got := s.ask("eth_getTransactionByHash", `["`+tx.Hash().Hex()+`"]`); !strings.Contains(got, `"blockHash":null,"blockNumber":null`) {
		t.Errorf("pending transaction: got %s", got)
	}
	f.submit = func(*types.Transaction) error {
		return errors.New("nonce too low: next nonce 8, tx nonce 7")
	}
	s.check("eth_sendRawTransaction", `["`+rawHex(t, signTx(t, f, 7, []byte("b")))+`"]`,
		`"error":{"code":-32000,"message":"nonce too low: next nonce 8, tx nonce 7"}`)
}

// mineSubmitted executes each transaction soon after it is submitted.
func mineSubmitted(f *fakeBackend) {
	f.submit = func(tx *types.Transaction) error {
		go f.mine(tx)
		return nil
	}
}

func TestSendSync(t *testing.T) {
	for _, method := range []string{"eth_sendRawTransactionSync", "realtime_sendRawTransaction"} {
		f := newFakeBackend()
		mineSubmitted(f)
		s := startServer(t, f, Config{})
		tx := signTx(t, f, 7, []byte("now"))
		first := s.ask(method, `["`+rawHex(t, tx)+`"]`)
		var receipt struct {
			TransactionHash common.Hash
			Logs            []json.RawMessage
		}
		text := strings.TrimPrefix(first, `"result":`)
		if err := json.Unmarshal([]byte(text), &receipt); err != nil || receipt.TransactionHash != tx.Hash() || len(receipt.Logs) != 1 {
			t.Fatalf("%s: got %s, %v", method, first, err)
		}
		s.check("eth_getTransactionReceipt", `["`+tx.Hash().Hex()+`"]`, first)
		f.submit = func(*types.Transaction) error { return errors.New("nonce too low") }
		s.check(method, `["`+rawHex(t, tx)+`",1000]`, first)
		s.check(method, `["`+rawHex(t, tx)+`","0x3e8"]`, first)
		s.check(method, `["`+rawHex(t, signTx(t, f, 6, nil))+`"]`, `"error":{"code":-32000,"message":"nonce too low"}`)
	}
}

func TestSendSyncTooLate(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{})
	ready := signTx(t, f, 7, nil)
	raw := rawHex(t, ready)
	late := fmt.Sprintf(`"error":{"code":4,"message":"The transaction was added to the transaction pool but wasn't processed in 1ms","data":"%s"}`, ready.Hash())
	s.check("eth_sendRawTransactionSync", `["`+raw+`",1]`, late)
	s.check("eth_sendRawTransactionSync", `["`+raw+`",1]`, late) // the pool knows it
	s.check("realtime_sendRawTransaction", `["`+raw+`",1]`, `"error":{"code":-32000,"message":"realtime transaction expired"}`)

	gapped := signTx(t, f, 9, nil)
	want := fmt.Sprintf(`"error":{"code":5,"message":"The transaction was added to the transaction pool but is not ready: a transaction of its sender with a lower nonce is missing","data":"%s"}`, gapped.Hash())
	s.check("eth_sendRawTransactionSync", `["`+rawHex(t, gapped)+`",20000]`, want)
}

func TestSendSyncSurvivesLostEvents(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{})
	tx := signTx(t, f, 7, nil)
	answer := make(chan string, 1)
	go func() { answer <- s.ask("eth_sendRawTransactionSync", `["`+rawHex(t, tx)+`",20000]`) }()
	eventually(t, "the transaction is in the pool", func() bool {
		tx, _ := f.PendingTransaction(t.Context(), tx.Hash())
		return tx != nil
	})
	f.dropSubscribers()
	f.mine(tx)
	if got := <-answer; !strings.Contains(got, tx.Hash().Hex()[2:]) || !strings.HasPrefix(got, `"result"`) {
		t.Errorf("got %s", got)
	}
}

func TestShutdownEndsWaiting(t *testing.T) {
	f := newFakeBackend()
	s := startServer(t, f, Config{})
	tx := signTx(t, f, 7, nil)
	answer := make(chan string, 1)
	go func() { answer <- s.ask("eth_sendRawTransactionSync", `["`+rawHex(t, tx)+`",30000]`) }()
	eventually(t, "the transaction is in the pool", func() bool {
		tx, _ := f.PendingTransaction(t.Context(), tx.Hash())
		return tx != nil
	})
	start := time.Now()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got != `"error":{"code":-32000,"message":"server is shutting down"}` {
		t.Errorf("got %s after %v", got, time.Since(start))
	}
}
