package evmbench

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The loops in C run in a process of their own, which measures itself and is told
// over a pipe when to do so. So they take their turn within each round, and
// nothing has to be known of what a compiler puts into an object file. The
// process waits while others are measured.

//go:embed baseline/fibonacci.c
var cSource []byte

// cCompilers are the commands to try. Several may be the same compiler: the first
// counts.
var cCompilers = []string{"clang", "clang-22", "clang-21", "clang-20", "clang-19", "clang-18", "gcc", "cc"}

// cBuildTimeout bounds what one C compiler may take.
const cBuildTimeout = time.Minute

// cProgram is a running program of loops in C.
type cProgram struct {
	dir      string // temporary folder
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Scanner
	compiler string   // what made it: gcc or clang
	forms    []string // each with its width in bits first
}

// buildCPrograms returns a program of each C compiler that is there. Without any
// the error says so.
func buildCPrograms() (programs []*cProgram, err error) {
	for _, command := range cCompilers {
		path, lookErr := exec.LookPath(command)
		if lookErr != nil {
			continue
		}
		p, buildErr := buildCProgram(path)
		switch {
		case buildErr != nil:
			err = errors.Join(err, buildErr)
		case slices.ContainsFunc(programs, func(other *cProgram) bool { return other.compiler == p.compiler }):
			p.close()
		default:
			programs = append(programs, p)
		}
	}
	if programs == nil && err == nil {
		err = fmt.Errorf("cannot find a C compiler: tried %s", strings.Join(cCompilers, ", "))
	}
	return programs, err
}

// buildCProgram compiles the program and starts it.
func buildCProgram(compiler string) (*cProgram, error) {
	dir, err := os.MkdirTemp("", "redline-bench-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a folder for C programs: %w", err)
	}
	p := &cProgram{dir: dir}
	if err := p.build(compiler); err != nil {
		p.close()
		return nil, fmt.Errorf("cannot measure with %s: %w", compiler, err)
	}
	return p, nil
}

func (p *cProgram) build(compiler string) error {
	ctx, cancel := context.WithTimeout(context.Background(), cBuildTimeout)
	defer cancel()
	path := filepath.Join(p.dir, "loops")
	build := exec.CommandContext(ctx, compiler, "-O3", "-march=native", "-o", path, "-x", "c", "-")
	build.Stdin = bytes.NewReader(cSource)
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	cmd := exec.Command(path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.out = cmd, bufio.NewScanner(out)
	words, err := p.line()
	if err != nil || len(words) < 2 {
		return fmt.Errorf("got %q; want the program's forms: %w", words, err)
	}
	p.compiler, p.forms = words[0], words[1:]
	return nil
}

// line reads the words of a line.
func (p *cProgram) line() ([]string, error) {
	if !p.out.Scan() {
		return nil, errors.Join(io.ErrUnexpectedEOF, p.out.Err())
	}
	return strings.Fields(p.out.Text()), nil
}

// close ends the program.
func (p *cProgram) close() {
	if p.cmd != nil {
		p.in.Close()
		_ = p.cmd.Wait() // nobody cares how it ended
	}
	_ = os.RemoveAll(p.dir)
}

// contenders are the program's forms of a case's loop, named by compiler and
// width.
func (p *cProgram) contenders(c *Case) []*contender {
	var list []*contender
	for _, form := range p.forms {
		width := form[:len(form)-len(strings.TrimLeft(form, "0123456789"))]
		list = append(list, &contender{name: p.compiler + width, measure: func(least time.Duration) (time.Duration, error) {
			return repeat(least, func() (time.Duration, error) { return p.run(form, width, c) })
		}})
	}
	return list
}

// run runs one form of a case's loop and checks what it computes: as many bits of
// the case's output as it has.
func (p *cProgram) run(form, width string, c *Case) (time.Duration, error) {
	if _, err := fmt.Fprintf(p.in, "%s %d\n", form, loopRounds(c)); err != nil {
		return 0, fmt.Errorf("cannot measure %s: %w", p.compiler, err)
	}
	words, err := p.line()
	if err != nil || len(words) != 2 {
		return 0, fmt.Errorf("cannot measure %s: got %q; want a time and a number: %w", p.compiler, words, err)
	}
	ns, err := time.ParseDuration(words[0] + "ns")
	if err != nil {
		return 0, fmt.Errorf("cannot measure %s: %w", p.compiler, err)
	}
	want := fmt.Sprintf("%x", c.Want.Output)
	got := words[1]
	if width == "64" && len(want) == len(got) {
		got, want = got[48:], want[48:]
	}
	if got != want {
		return 0, fmt.Errorf("case %s: %s form %s gives %s; want %s", c.Name, p.compiler, form, got, want)
	}
	return ns, nil
}
