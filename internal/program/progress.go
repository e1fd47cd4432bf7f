package program

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"
)

// Progress shows on standard error how far a long work on bytes is: as a bar on
// a terminal, as a line now and then elsewhere, as lines of JSON with --json. Its
// methods may be called from any goroutine.
type Progress struct {
	w     io.Writer
	style progressStyle
	what  string
	start time.Time

	mu    sync.Mutex
	shown time.Time // when it was last shown
	last  progressState
}

// progressStyle is a way to show progress.
type progressStyle struct {
	every  time.Duration // between two looks
	line   func(what string, s progressState) string
	finish string // written after the last look
}

var (
	barStyle  = progressStyle{100 * time.Millisecond, progressBar, "\n"}
	lineStyle = progressStyle{5 * time.Second, progressLine, ""}
	jsonStyle = progressStyle{time.Second, progressJSON, ""}
)

// NewProgress begins to show the progress of a work, as the flags of a command
// say.
func NewProgress(c *cli.Context, what string) *Progress {
	style := lineStyle
	switch {
	case c.Bool(JSONFlag):
		style = jsonStyle
	case isatty.IsTerminal(os.Stderr.Fd()):
		style = barStyle
	}
	return newProgress(os.Stderr, style, what, time.Now())
}

func newProgress(w io.Writer, style progressStyle, what string, now time.Time) *Progress {
	return &Progress{w: w, style: style, what: what, start: now, shown: now}
}

// Update says how many bytes of how many are done; a total of 0 is unknown.
func (p *Progress) Update(done, total uint64) { p.update(time.Now(), done, total) }

func (p *Progress) update(now time.Time, done, total uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = progressState{done: max(done, p.last.done), total: total, elapsed: now.Sub(p.start)}
	if now.Sub(p.shown) < p.style.every {
		return
	}
	p.shown = now
	fmt.Fprint(p.w, p.style.line(p.what, p.last))
}

// End shows how it ended.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.done > 0 {
		fmt.Fprint(p.w, p.style.line(p.what, p.last), p.style.finish)
	}
}

// progressState is how far a work is.
type progressState struct {
	done, total uint64 // bytes
	elapsed     time.Duration
}

// bytesPerSecond is the rate since the begin.
func (s progressState) bytesPerSecond() float64 {
	return float64(s.done) / max(s.elapsed.Seconds(), 1e-3)
}

// left is how long it will take at the rate so far.
func (s progressState) left() time.Duration {
	if s.done == 0 || s.done > s.total {
		return 0
	}
	return time.Duration(float64(s.total-s.done) / s.bytesPerSecond() * float64(time.Second)).Round(time.Second)
}

const mib = 1 << 20

func (s progressState) String() string {
	if s.total == 0 {
		return fmt.Sprintf("%d MiB, %.0f MiB/s", s.done/mib, s.bytesPerSecond()/mib)
	}
	return fmt.Sprintf("%3d%%, %d of %d MiB, %.0f MiB/s, %v left", s.percent(), s.done/mib, s.total/mib, s.bytesPerSecond()/mib, s.left())
}

func (s progressState) percent() int { return int(100 * float64(s.done) / float64(s.total)) }

func progressLine(what string, s progressState) string { return fmt.Sprintf("%s: %v\n", what, s) }

func progressBar(what string, s progressState) string {
	const width = 30
	bar := ""
	if s.total > 0 {
		full := min(width, int(width*float64(s.done)/float64(s.total)))
		bar = "[" + strings.Repeat("=", full) + strings.Repeat(" ", width-full) + "] "
	}
	const eraseToEnd = "\x1b[K"
	return fmt.Sprintf("\r%s %s%v%s", what, bar, s, eraseToEnd)
}

func progressJSON(what string, s progressState) string {
	line, err := json.Marshal(map[string]any{
		"progress": what, "bytes": s.done, "total": s.total,
		"bytesPerSecond": int64(s.bytesPerSecond()), "secondsLeft": int64(s.left().Seconds()),
	})
	if err != nil {
		panic(fmt.Sprintf("BUG: cannot encode progress: %v", err))
	}
	return string(line) + "\n"
}
