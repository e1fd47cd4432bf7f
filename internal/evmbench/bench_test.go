package evmbench

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redline-evm/redline/jit"
	"github.com/redline-evm/redline/jit/ir"
)

// TestBench measures one small case and looks at the rows.
func TestBench(t *testing.T) {
	report, err := Bench(BenchOptions{
		Dir: writeCase(t, "status 0\ngas_used 22106\nrefund 0\n"), Rounds: 3, Round: time.Nanosecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ns/sample/interp", "ns/sample/native", "ns/sample/geth",
		"ratio/sample/geth_over_interp", "ratio/sample/geth_over_native", "ratio/sample/interp_over_native",
		"ratio/geomean/geth_over_interp", "ratio/geomean/geth_over_native", "ratio/geomean/interp_over_native",
		"compile_us_per_kb/sample/native", "compile_us_per_kb/bomb_jumpdest/native",
		"compile_us_per_kb/median/native", "compile_us_per_kb/worst_bomb/native", "compile_ms/worst_24k/native",
		"bytes_per_byte/sample/native", "bytes_per_byte/worst_bomb/native", "bytes_per_byte/cap/native",
	}
	if len(enginesHere()) < len(Engines) {
		want = slices.DeleteFunc(want, func(name string) bool { return strings.Contains(name, native) })
	}
	const rounding = 1.000001
	for _, name := range want {
		i := slices.IndexFunc(report.Results, func(row Row) bool { return row.Name == name })
		if i < 0 {
			t.Errorf("got no row %s", name)
		} else if row := report.Results[i]; row.Value <= 0 || row.Min > row.Value*rounding || row.Max < row.Value/rounding {
			t.Errorf("got %+v; want a value between its ends", row)
		}
	}
	line, err := report.JSON()
	if err != nil || !json.Valid(line) {
		t.Errorf("got report %s, %v", line, err)
	}
	for _, text := range []string{"ns\n", "interp", "geth_over_interp", "\n  sample "} {
		if !strings.Contains(report.String(), text) {
			t.Errorf("got\n%v\nwithout %q", report, text)
		}
	}
	if _, err := Bench(BenchOptions{Dir: t.TempDir()}); err == nil {
		t.Error("got no error for a folder without cases")
	}
}

// loopCase is a Fibonacci loop of n rounds.
const loopCase = `acct be7c43a580000000000000000000000000000001
code 5f355f60015b82156017578091019160019003916005565b505f5260205ff3
from 00000000000000000000000000000000000000f0
to be7c43a580000000000000000000000000000001
gas 100000
data 00000000000000000000000000000000000000000000000000000000000003e8
`

// TestLoopsInC measures a loop in C where there is a compiler.
func TestLoopsInC(t *testing.T) {
	programs, err := buildCPrograms()
	if err != nil && programs == nil {
		t.Logf("not measured in C: %v", err)
		return
	}
	for _, p := range programs {
		defer p.close()
	}
	c, err := ParseState([]byte(loopCase))
	if err != nil {
		t.Fatal(err)
	}
	c.Name = "fib55_1e3"
	c.Want.Output = bytes.Repeat([]byte{1}, 32)
	for _, p := range programs {
		contenders := p.contenders(c)
		if len(contenders) < 2 || !slices.ContainsFunc(contenders, func(one *contender) bool { return one.name == p.compiler+"256" }) {
			t.Errorf("%s: got %d forms; want some of 256 bits and one of 64", p.compiler, len(contenders))
		}
		if _, err := contenders[0].measure(time.Microsecond); err == nil || !strings.Contains(err.Error(), "want 0101") {
			t.Errorf("%s: got %v; want an error for a wrong output", p.compiler, err)
		}
	}
	c.Want.Output = outputOf(t, c)
	for _, p := range programs {
		for _, one := range p.contenders(c) {
			if elapsed, err := one.measure(time.Microsecond); err != nil || elapsed <= 0 {
				t.Errorf("%s: got %v, %v", one.name, elapsed, err)
			}
		}
	}
}

// outputOf is what the interpreter returns for the case.
func outputOf(t *testing.T, c *Case) []byte {
	t.Helper()
	m, err := newMachine("interp", jit.Osaka, c)
	if err != nil {
		t.Fatal(err)
	}
	m.prepare()
	return slices.Clone(m.run().Output)
}

// TestLongLoop makes the long loop of a loop.
func TestLongLoop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), longLoopFrom)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "state.txt"), []byte(loopCase), 0o600); err != nil {
		t.Fatal(err)
	}
	for engine, want := range map[string]int{native: 2, "interp": 1} {
		opts := BenchOptions{Dir: filepath.Dir(dir), Engines: []string{engine}}
		cases, err := opts.cases()
		if err != nil || len(cases) != want {
			t.Fatalf("%s: got %d cases, %v; want %d", engine, len(cases), err, want)
		}
		if last := cases[want-1]; want == 2 && (loopRounds(last) != longRounds || cases[0].Message.Gas == last.Message.Gas) {
			t.Errorf("got %+v; want a case of %d rounds", last, longRounds)
		}
	}
}

// TestFastest keeps the better of two forms.
func TestFastest(t *testing.T) {
	slow, fast := &contender{name: "c", rounds: []float64{1, 9, 9}}, &contender{name: "c", rounds: []float64{8, 8, 8}}
	other := &contender{name: "d", rounds: []float64{5}}
	if got := fastest([]*contender{slow, other, fast}); len(got) != 2 || got[0] != fast || got[1] != other {
		t.Errorf("got %v; want the faster c, and d", got)
	}
}

func TestGroups(t *testing.T) {
	for name, want := range map[string]string{
		"fib41_1e6": "fib", "sol_fib_checked_1e7": "fib", "main.snailtracer": "main", "micro.x": "micro",
		"op_div": "op", "call_stop": "app", "univ2_swap": "app", "erc20_oz_transfer": "app", "sample": "",
	} {
		if got := groupOf(name); got != want {
			t.Errorf("%s: got group %q; want %q", name, got, want)
		}
	}
}

// TestBombs: each bomb is as large as a contract and is a program.
func TestBombs(t *testing.T) {
	var builder ir.Builder
	for _, b := range bombs {
		code := b.write(bombBytes)
		if len(code) > bombBytes || len(code) < bombBytes*9/10 {
			t.Errorf("%s: got %d bytes; want %d or a little less", b.name, len(code), bombBytes)
		}
		if err := builder.Build(code, ir.Osaka).Check(); err != nil {
			t.Errorf("%s: %v", b.name, err)
		}
	}
}
