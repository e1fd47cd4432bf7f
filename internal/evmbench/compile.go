package evmbench

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/redline-evm/redline/jit"
)

// subject is bytecode whose compilation is measured.
type subject struct {
	name  string
	codes [][]byte
	bomb  bool

	bytes    int       // of bytecode
	made     int       // of machine code
	rejected bool      // by the compiler, so that it stays with the interpreter
	perKiB   []float64 // µs of processor time for 1024 bytes, by round
}

// measureCompiling adds what the native compiler costs: for each case, and for
// bombs, in processor time.
func (b *bench) measureCompiling(cases []*Case) error {
	engine := jit.New(jit.Config{Native: jit.NativeEager})
	compiler, err := engine.NewNativeCompiler()
	if err != nil {
		return fmt.Errorf("cannot compile: %w", err)
	}
	subjects := compileSubjects(cases)
	for range 1 + b.opts.Rounds {
		for _, s := range subjects {
			if err := s.compile(compiler, b.opts.Fork); err != nil {
				return err
			}
		}
	}
	for _, s := range subjects {
		s.perKiB = s.perKiB[1:] // the first round was to warm up
	}
	b.addCompiling(subjects)
	return nil
}

// compileSubjects are the codes of each case, and the bombs.
func compileSubjects(cases []*Case) (subjects []*subject) {
	for _, c := range cases {
		if c.Name == longLoop {
			continue
		}
		s := &subject{name: c.Name}
		for _, addr := range slices.SortedFunc(maps.Keys(c.Alloc), common.Address.Cmp) {
			if code := c.Alloc[addr].Code; len(code) > 0 {
				s.codes = append(s.codes, code)
			}
		}
		if len(s.codes) > 0 {
			subjects = append(subjects, s)
		}
	}
	for _, bomb := range bombs {
		subjects = append(subjects, &subject{name: "bomb_" + bomb.name, codes: [][]byte{bomb.write(bombBytes)}, bomb: true})
	}
	return subjects
}

// compile compiles the codes once.
func (s *subject) compile(compiler *jit.NativeCompiler, fork jit.Fork) error {
	s.bytes, s.made = 0, 0
	start := ProcessorTime()
	for _, code := range s.codes {
		s.bytes += len(code)
		made, err := compiler.Compile(code, fork)
		switch {
		case jit.IsRejected(err):
			s.rejected = true
		case err != nil:
			return fmt.Errorf("cannot compile %s: %w", s.name, err)
		}
		s.made += made
	}
	elapsed := ProcessorTime() - start
	s.perKiB = append(s.perKiB, float64(elapsed.Nanoseconds())/1e3*1024/float64(s.bytes))
	return nil
}

// addCompiling adds the rows of all subjects, and of the median case and the worst
// bomb.
func (b *bench) addCompiling(subjects []*subject) {
	var costs, bombCosts, ratios []float64
	for _, s := range subjects {
		row := NewRow("compile_us_per_kb/"+s.name+"/"+native, "us", s.perKiB)
		b.add(row)
		if s.bomb {
			bombCosts = append(bombCosts, row.Value)
			ratios = append(ratios, s.perByte())
		} else {
			costs = append(costs, row.Value)
		}
	}
	if len(costs) > 0 {
		b.add(NewRow("compile_us_per_kb/median/"+native, "us", costs))
	}
	b.add(worstRow("compile_us_per_kb/worst_bomb/"+native, "us", bombCosts))
	for i := range bombCosts {
		bombCosts[i] *= bombBytes / 1024 / 1e3
	}
	b.add(worstRow("compile_ms/worst_24k/"+native, "ms", bombCosts))
	var rejected []string
	for _, s := range subjects {
		if s.rejected {
			rejected = append(rejected, s.name)
		} else {
			b.add(NewRow("bytes_per_byte/"+s.name+"/"+native, "B", []float64{s.perByte()}))
		}
	}
	if len(rejected) > 0 {
		b.report.Notes = append(b.report.Notes, "stay with the interpreter, as too large: "+strings.Join(rejected, ", "))
	}
	b.add(worstRow("bytes_per_byte/worst_bomb/"+native, "B", ratios))
	b.add(NewRow("bytes_per_byte/cap/"+native, "B", []float64{jit.NativeBytesPerByte}))
}

// perByte is how many bytes of machine code were made for each of bytecode.
func (s *subject) perByte() float64 { return float64(s.made) / float64(s.bytes) }

// worstRow is the largest of the values.
func worstRow(name, unit string, values []float64) Row {
	row := NewRow(name, unit, values)
	row.Value = row.Max
	return row
}
