package program

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/redline-evm/redline/tuning"
)

// Values of --gc.
const (
	gcAuto = "auto"
	gcGo   = "go"
)

// timerSlack is by how much the kernel may delay a thread's sleep.
const timerSlack = time.Microsecond

// TuneProcess takes what of the machine the process may take without privileges,
// as the flags of a node say: processors, and how the garbage collector runs.
// Only the thread that will be pinned to apart may run there. It says in one
// line of the log what it did. It is to be called before the work begins:
// threads inherit from those that start them.
func TuneProcess(c *cli.Context, role tuning.Role, apart tuning.IDSet) error {
	if gc := c.String(GCFlag); gc != gcAuto && gc != gcGo {
		return fmt.Errorf("cannot use --%s %s: want %s or %s", GCFlag, gc, gcAuto, gcGo)
	}
	m, err := tuning.ReadMachine(tuning.OpenSystem("/"), "")
	if err != nil {
		slog.Debug("the process is not tuned", "err", err)
		return nil
	}
	var done []any
	if c.String(GCFlag) == gcAuto {
		gc := tuning.PolicyGC(role, m.UsableMemoryBytes()).Apply()
		done = append(done, "gcPercent", gc.Percent, "gcLimitMiB", gc.LimitBytes>>20)
	}
	if c.String(CPUsFlag) != "" || len(apart) > 0 {
		cpus, err := takeCPUs(c, m, apart)
		if err != nil {
			return err
		}
		done = append(done, "cpus", cpus.String(), "apart", apart.String())
	}
	if err := tuning.SetTimerSlack(timerSlack); err == nil {
		done = append(done, "timerSlack", timerSlack)
	}
	slog.Info("process tuned", append(done, "threads", runtime.GOMAXPROCS(0))...)
	return nil
}

// takeCPUs pins the process to the processors of the flag, but for those set
// apart. Go runs as many threads at once as there are processors.
func takeCPUs(c *cli.Context, m *tuning.Machine, apart tuning.IDSet) (tuning.IDSet, error) {
	cpus := m.UsableCPUs()
	if list := c.String(CPUsFlag); list != "" {
		var err error
		if cpus, err = tuning.ParseIDSet(list); err != nil {
			return nil, fmt.Errorf("cannot use --%s: %w", CPUsFlag, err)
		}
	}
	if missing := append(cpus.Minus(m.Online()), apart.Minus(m.Online())...); len(missing) > 0 {
		return nil, fmt.Errorf("cannot use processors %v: this machine has %v", missing, m.Online())
	}
	cpus = cpus.Minus(apart)
	if len(cpus) == 0 {
		return nil, errors.New("cannot set the last processor apart: the other threads need one too")
	}
	if err := tuning.PinProcess(cpus); err != nil {
		return nil, err
	}
	if strings.TrimSpace(os.Getenv("GOMAXPROCS")) == "" {
		runtime.GOMAXPROCS(len(cpus) + len(apart))
	}
	return cpus, nil
}
