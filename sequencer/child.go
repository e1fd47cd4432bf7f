package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redline-evm/redline/internal/program"
)

const (
	fullNodeStartTimeout = 30 * time.Second
	fullNodeStopTimeout  = 1200 * time.Millisecond
)

// errEndedByItself is how a process ended that nobody asked to end.
var errEndedByItself = errors.New("exit status 0")

// findFullNode returns the path of the fullnode program: the named one, else
// the one beside this program, else the one in PATH.
func findFullNode(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	name := "fullnode"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(beside); !errors.Is(err, fs.ErrNotExist) {
			return beside, nil
		}
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("cannot find the program fullnode beside this one or in PATH: build it by `make build`, or name it by --%s", fullNodeBinFlag)
	}
	return found, nil
}

// fullNode is a full node in a process of its own.
type fullNode struct {
	bin  string
	args []string
	port int // of JSON-RPC; 0 until the first start picked one

	process *os.Process
	first   chan string // the process's first line
	ended   chan error  // how the process ended; never nil
}

// start starts the process and waits until it follows the chain.
func (f *fullNode) start(ctx context.Context) (ready program.Ready, err error) {
	if err := f.spawn(); err != nil {
		return ready, fmt.Errorf("cannot start the full node: %w", err)
	}
	timer := time.NewTimer(fullNodeStartTimeout)
	defer timer.Stop()
	select {
	case line := <-f.first:
		if ready, err = parseReady(line); err == nil {
			f.port, err = portOf(ready.HTTP)
		}
	case err := <-f.ended:
		return ready, fmt.Errorf("cannot start the full node: it ended (%w), for the reason above; another port is chosen by --%s", err, fullNodeHTTPPortFlag)
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = fmt.Errorf("it does not follow the chain after %v", fullNodeStartTimeout)
	}
	if err != nil {
		f.stop()
		return ready, fmt.Errorf("cannot start the full node: %w", err)
	}
	return ready, nil
}

// spawn starts the process and watches it.
func (f *fullNode) spawn() error {
	cmd := exec.Command(f.bin, append(f.args, "--"+program.HTTPPortFlag, strconv.Itoa(f.port))...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, program.EnvPrefix) }) // those are this program's flags
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = childAttributes()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	f.process, f.first, f.ended = cmd.Process, make(chan string, 1), make(chan error, 1)
	go func() {
		reader := bufio.NewReader(stdout)
		if line, err := reader.ReadString('\n'); err == nil {
			f.first <- line
		}
		_, _ = io.Copy(io.Discard, reader) // until the process ends
		if err := cmd.Wait(); err != nil {
			f.ended <- err
			return
		}
		f.ended <- errEndedByItself
	}()
	return nil
}

func parseReady(line string) (ready program.Ready, err error) {
	if err := json.Unmarshal([]byte(line), &ready); err != nil {
		return ready, fmt.Errorf("it says %q: %w", line, err)
	}
	return ready, nil
}

func portOf(address string) (int, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(parsed.Port())
}

// supervise starts the process again, on the same port, when a signal ended it.
// Its other ends are failures. stop ends the supervision and the process.
func (f *fullNode) supervise(ctx context.Context, failed chan<- error) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				f.stop()
				return
			case err := <-f.ended:
				if !killed(err) {
					failed <- fmt.Errorf("the full node ended (%w), for the reason above", err)
					return
				}
				slog.Warn("the full node was killed; starting it again", "reason", err)
			}
			if _, err := f.start(ctx); err != nil {
				failed <- err
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// killed reports whether the process was ended by a signal that it did not
// handle.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	return exit.ExitCode() == -1
}

// stop ends the process, the hard way if it takes its time.
func (f *fullNode) stop() {
	if err := f.process.Signal(syscall.SIGTERM); err != nil {
		_ = f.process.Kill() // systems without that signal
	}
	select {
	case <-f.ended:
	case <-time.After(fullNodeStopTimeout):
		slog.Warn("the full node does not stop; killing it")
		_ = f.process.Kill()
		<-f.ended
	}
}
