package callbench

import (
	"context"
	"errors"
	"testing"

	"github.com/redline-evm/redline/jit"
)

// TestMeasure wants every row, and no time that cannot be. How long things take
// is not asserted.
func TestMeasure(t *testing.T) {
	rows, err := Measure(context.Background(), Options{Calls: 1, Stops: 3})
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, row := range rows {
		found[row.Name] = true
		if row.Value < row.Min || row.Value > row.Max || row.N == 0 {
			t.Errorf("%+v: the value is not among those measured", row)
		}
	}
	for _, name := range []string{"stw_wait_us/idle_p50/none", "deadline_ms/fib_p99/interp", "stw_wait_us/calls_p50/interp"} {
		if !found[name] {
			t.Errorf("no row %s", name)
		}
	}
}

// TestEarly wants code that ends by itself to be an error: it would show nothing.
func TestEarly(t *testing.T) {
	n, err := startNode(jit.NativeOff)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	if err := n.client("0x00").call(context.Background()); !errors.Is(err, errEarly) {
		t.Errorf("got %v; want %v", err, errEarly)
	}
}
