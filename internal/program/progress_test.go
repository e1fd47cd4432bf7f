package program

import (
	"strings"
	"testing"
	"time"
)

// TestProgress shows half a work in each way.
func TestProgress(t *testing.T) {
	check := func(style progressStyle, total uint64, want string) {
		t.Helper()
		var out strings.Builder
		start := time.Unix(100, 0)
		p := newProgress(&out, style, "restoring", start)
		p.update(start.Add(style.every/2), 10*mib, total) // too early to be shown
		p.update(start.Add(10*time.Second), 100*mib, total)
		if got := out.String(); got != want {
			t.Errorf("got %q; want %q", got, want)
		}
		p.End()
		if got := out.String(); got != want+want+style.finish {
			t.Errorf("got %q at the end; want the same once more", got)
		}
	}
	check(lineStyle, 200*mib, "restoring:  50%, 100 of 200 MiB, 10 MiB/s, 10s left\n")
	check(lineStyle, 0, "restoring: 100 MiB, 10 MiB/s\n")
	check(barStyle, 200*mib, "\rrestoring [===============               ]  50%, 100 of 200 MiB, 10 MiB/s, 10s left\x1b[K")
	check(barStyle, 0, "\rrestoring 100 MiB, 10 MiB/s\x1b[K")
	check(jsonStyle, 200*mib, `{"bytes":104857600,"bytesPerSecond":10485760,"progress":"restoring","secondsLeft":10,"total":209715200}`+"\n")
}

func TestProgressOfNothing(t *testing.T) {
	var out strings.Builder
	newProgress(&out, lineStyle, "restoring", time.Now()).End()
	if out.Len() > 0 {
		t.Errorf("got %q; want nothing", &out)
	}
}
