package tuning

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A valueCheck looks at files that hold one value each. Files that are not
// there are none of this machine's business.
type valueCheck struct {
	name  string
	files string // a pattern of path.Match
	roles []Role
	when  func(*Machine) bool              // nil: on every machine
	only  func(f *files, file string) bool // nil: all files of the pattern
	want  want
	level Level // if the value is not as wanted
	why   string
}

// want is a condition on a value, and the value that meets it best.
type want struct {
	text string
	set  string
	good func(value string) bool
}

func oneOf(values ...string) want {
	return want{
		text: strings.Join(values, " or "),
		set:  values[0],
		good: func(value string) bool { return slices.Contains(values, value) },
	}
}

func atLeast(bound uint64) want {
	return bounded("at least", bound, func(n uint64) bool { return n >= bound })
}

func atMost(bound uint64) want {
	return bounded("at most", bound, func(n uint64) bool { return n <= bound })
}

func bounded(text string, bound uint64, good func(uint64) bool) want {
	set := strconv.FormatUint(bound, 10)
	return want{text: text + " " + set, set: set, good: func(value string) bool {
		n, err := strconv.ParseUint(value, 10, 64)
		return err == nil && good(n)
	}}
}

var (
	sequencers = []Role{Sequencer}
	everyRole  = []Role{Sequencer, FullNode}
)

const (
	sysctlDir       = "proc/sys/"
	idleLatencyMax  = 50 // microseconds to wake from; more than a wait's spin makes up for
	idleStatePrefix = cpuDir + "/cpu*/cpuidle/state*/"
)

var valueChecks = []valueCheck{
	{
		name: "cpu.governor", files: cpuDir + "/cpufreq/policy*/scaling_governor", roles: sequencers,
		want: oneOf("performance"), level: Better,
		why: "a processor that slowed down in an idle moment takes milliseconds to be fast again",
	}, {
		name: "cpu.idle", files: idleStatePrefix + "disable", roles: sequencers, only: slowToWake,
		want: oneOf("1"), level: Better,
		why: fmt.Sprintf("waking from a deep idle state takes longer than %d µs, in each interval anew; it costs power", idleLatencyMax),
	}, {
		name: "memory.thp", files: "sys/kernel/mm/transparent_hugepage/enabled", roles: sequencers,
		want: oneOf("madvise"), level: Better,
		why: "state in huge pages is read up to three times as fast; pages for everybody (always) make the kernel compact memory at bad moments",
	}, {
		name: "memory.thp", files: "sys/kernel/mm/transparent_hugepage/enabled", roles: []Role{FullNode},
		want: oneOf("madvise", "always"), level: Better,
		why: "state in huge pages is read faster",
	}, {
		name: "memory.thp.defrag", files: "sys/kernel/mm/transparent_hugepage/defrag", roles: sequencers,
		want: oneOf("madvise", "defer+madvise"), level: Better,
		why: "memory that asks for huge pages should get them at once, and no other memory should wait for them",
	}, {
		name: "memory.swappiness", files: sysctlDir + "vm/swappiness", roles: sequencers,
		when: func(m *Machine) bool { return m.SwapBytes > 0 }, want: atMost(1), level: Better,
		why: "a page of the state that was swapped out stops execution for milliseconds",
	}, {
		name: "memory.overcommit", files: sysctlDir + "vm/overcommit_memory", roles: everyRole,
		want: oneOf("0", "1"), level: Wrong,
		why: "strict accounting (2) refuses memory that is there: by default what goes beyond half of it",
	}, {
		name: "memory.numa.balancing", files: sysctlDir + "kernel/numa_balancing", roles: sequencers,
		when: manyNodes, want: oneOf("0"), level: Better,
		why: "the kernel unmaps pages to learn who uses them; each costs a fault in the middle of execution",
	}, {
		name: "memory.numa.reclaim", files: sysctlDir + "vm/zone_reclaim_mode", roles: sequencers,
		when: manyNodes, want: oneOf("0"), level: Better,
		why: "a full node's memory is reclaimed in the allocating thread although another node has free memory",
	}, {
		name: "memory.compaction", files: sysctlDir + "vm/compaction_proactiveness", roles: sequencers,
		want: oneOf("0"), level: Better,
		why: "compaction in the background moves pages that are in use",
	}, {
		name: "memory.stat", files: sysctlDir + "vm/stat_interval", roles: sequencers,
		want: atLeast(10), level: Better,
		why: "each processor is interrupted this often (in seconds) to add up its counters",
	}, {
		name: "net.backlog", files: sysctlDir + "net/core/somaxconn", roles: everyRole,
		want: atLeast(4096), level: Better,
		why: "connections that come in a burst are dropped beyond this many",
	}, {
		name: "net.idle", files: sysctlDir + "net/ipv4/tcp_slow_start_after_idle", roles: sequencers,
		want: oneOf("0"), level: Better,
		why: "after a quiet moment a stream of mini-blocks would begin slowly again",
	},
}

func manyNodes(m *Machine) bool { return len(m.Nodes) > 1 }

// slowToWake reports whether the idle state that the file disables takes long
// to leave.
func slowToWake(f *files, file string) bool {
	latencyUs, ok := f.number(path.Dir(file) + "/latency")
	return ok && latencyUs > idleLatencyMax
}

// look compares all files of the check; ok is false if there are none.
func (c *valueCheck) look(m *Machine, opts Options) (finding Finding, ok bool) {
	if !slices.Contains(c.roles, opts.Role) || c.when != nil && !c.when(m) {
		return finding, false
	}
	finding = Finding{Name: c.name, Want: c.want.text, Why: c.why}
	counts := make(map[string]int)
	for _, file := range m.files.match(c.files) {
		if c.only != nil && !c.only(m.files, file) {
			continue
		}
		value, err := readSetting(m.files.fsys, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			m.files.fail(file, err)
			continue
		}
		counts[value]++
		if !c.want.good(value) {
			finding.Level = c.level
			finding.Settings = append(finding.Settings, Setting{File: file, Value: c.want.set})
		}
	}
	finding.Value = summary(counts)
	if finding.Level != OK {
		finding.Fix = fix(finding.Settings)
	}
	return finding, len(counts) > 0
}

// match returns the files of the pattern, in order. A plain name stands for
// itself, be it there or not.
func (f *files) match(pattern string) []string {
	if !strings.Contains(pattern, "*") {
		return []string{pattern}
	}
	names, err := fs.Glob(f.fsys, pattern)
	if err != nil {
		panic("BUG: bad pattern " + pattern)
	}
	return names
}

// summary writes the values that were found, the most frequent first.
func summary(counts map[string]int) string {
	values := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	if len(values) == 1 {
		return values[0]
	}
	for i, value := range values {
		values[i] = fmt.Sprintf("%s (%d)", value, counts[value])
	}
	return strings.Join(values, ", ")
}

// fix writes the command that makes the settings by hand.
func fix(settings []Setting) string {
	first := settings[0]
	if name, ok := strings.CutPrefix(first.File, sysctlDir); ok {
		return fmt.Sprintf("sysctl -w %s=%s", strings.ReplaceAll(name, "/", "."), first.Value)
	}
	text := fmt.Sprintf("echo %s > /%s", first.Value, first.File)
	if len(settings) > 1 {
		text += fmt.Sprintf(", and %d more like it", len(settings)-1)
	}
	return text
}

// readSetting returns the value of a file that can be set: of several choices
// in one line the one in brackets, and single blanks between words.
func readSetting(fsys fs.FS, file string) (string, error) {
	text, err := readText(fsys, file)
	if err != nil {
		return "", err
	}
	if _, rest, ok := strings.Cut(text, "["); ok {
		text, _, _ = strings.Cut(rest, "]")
	}
	return strings.Join(strings.Fields(text), " "), nil
}
