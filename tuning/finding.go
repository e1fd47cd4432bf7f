package tuning

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what the machine is for.
type Role string

const (
	// Sequencer makes the chain: latency counts, and the machine is its own.
	Sequencer Role = "sequencer"
	// FullNode follows the chain, maybe at home, beside other programs.
	FullNode Role = "fullnode"
)

// Level says how good a finding is.
type Level int

// Levels, the best first.
const (
	OK         Level = iota // as wanted
	Better                  // works, and could be better
	Wrong                   // costs much, or keeps a part of the program from working
	Unreadable              // nobody knows
)

var levelNames = [...]string{OK: "ok", Better: "better", Wrong: "wrong", Unreadable: "unreadable"}

func (l Level) String() string { return levelNames[l] }

// MarshalText makes levels names in JSON.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Finding is one thing that was looked at.
type Finding struct {
	Name     string    `json:"name"`
	Level    Level     `json:"level"`
	Value    string    `json:"value"`
	Want     string    `json:"want"`
	Why      string    `json:"why"`
	Fix      string    `json:"fix,omitempty"`      // what to do if it is not as wanted
	Settings []Setting `json:"settings,omitempty"` // that Apply would make to mend it
}

// Setting is a value for a file of the kernel.
type Setting struct {
	File  string `json:"file"` // relative to the root
	Value string `json:"value"`
	// Hint is for files that the kernel may refuse to change for a good reason of
	// its own: that is no failure.
	Hint bool `json:"hint,omitempty"`
}

// Options say what is wanted of a machine beyond its role.
type Options struct {
	Role      Role
	HugeBytes uint64 // to reserve in explicit huge pages; 0: by role and memory
}

// Report is the outcome of a check.
type Report struct {
	Role     Role      `json:"role"`
	Machine  *Machine  `json:"machine"`
	Findings []Finding `json:"findings"`
}

// Check compares the machine with what the role wants; findings are in the order
// of their names. What could not be read is a finding as well, at the end.
func Check(m *Machine, opts Options) *Report {
	r := &Report{Role: opts.Role, Machine: m}
	for _, c := range checks {
		if finding, ok := c.look(m, opts); ok {
			r.Findings = append(r.Findings, finding)
		}
	}
	for _, c := range valueChecks {
		if finding, ok := c.look(m, opts); ok {
			r.Findings = append(r.Findings, finding)
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return strings.Compare(a.Name, b.Name) })
	r.Findings = append(r.Findings, m.unreadable()...)
	return r
}

// Level is the worst of the findings.
func (r *Report) Level() Level {
	worst := OK
	for _, f := range r.Findings {
		worst = max(worst, f.Level)
	}
	return worst
}

// ExitCode is what a command that checks returns: 0 if all is as wanted, 1 if
// something could be better, 2 if something is wrong or cannot be read.
func (r *Report) ExitCode() int { return min(int(r.Level()), 2) }

// Settings are all that would mend what is not as wanted.
func (r *Report) Settings() []Setting {
	var settings []Setting
	for _, f := range r.Findings {
		settings = append(settings, f.Settings...)
	}
	return settings
}

// gib writes bytes for people.
func gib(bytes uint64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%.4g GiB", float64(bytes)/(1<<30))
}
