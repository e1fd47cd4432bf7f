package tuning

import (
	"fmt"
	"strings"
)

// palette colours words for a terminal; the zero palette leaves them as they
// are.
type palette struct{ on bool }

var (
	levelColours  = [...]string{OK: "32", Better: "33", Wrong: "31", Unreadable: "31"}
	statusColours = map[Status]string{Planned: "33", Done: "32", Refused: "33", Failed: "31", Foreign: "31"}
)

func (p palette) paint(colour, text string) string {
	if !p.on {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// Text is the report for people.
func (r *Report) Text(colour bool) string {
	p := palette{colour}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Machine)
	if manyNodes(r.Machine) {
		for _, node := range r.Machine.Nodes {
			fmt.Fprintf(&b, "   node %d: processors %s, %s\n", node.ID, listOrNone(node.CPUs), gib(node.MemoryBytes))
		}
	}
	b.WriteString("\n")
	var counts [len(levelNames)]int
	for _, f := range r.Findings {
		counts[f.Level]++
		f.write(&b, p)
	}
	fmt.Fprintf(&b, "\n%d ok, %d could be better, %d wrong, %d unreadable\n", counts[OK], counts[Better], counts[Wrong], counts[Unreadable])
	if len(r.Settings()) > 0 {
		fmt.Fprintf(&b, "`%s tune --apply` shows the settings that it would make.\n", r.Role)
	}
	if r.Machine.Container != "" && r.Level() != OK {
		b.WriteString(ContainerHint(r.Machine.Container) + "\n")
	}
	return b.String()
}

// ContainerHint says where to tune when this is a container.
func ContainerHint(kind string) string {
	return fmt.Sprintf("This is a container (%s): most settings are those of the machine that it runs on; make them there.", kind)
}

func (f *Finding) write(b *strings.Builder, p palette) {
	fmt.Fprintf(b, "%s %-22s %s\n", p.paint(levelColours[f.Level], fmt.Sprintf("%-10s", f.Level)), f.Name, f.Value)
	if f.Level == OK {
		return
	}
	for _, line := range [][2]string{{"want", f.Want}, {"why", f.Why}, {"fix", f.Fix}} {
		fmt.Fprintf(b, "%-11s%s %s\n", "", p.paint("2", fmt.Sprintf("%-4s", line[0])), line[1])
	}
}

// String is the machine in one line.
func (m *Machine) String() string {
	cpus := m.UsableCPUs()
	text := fmt.Sprintf("%s (%s, %s), %s of memory on %s", plural(len(cpus), "processor"),
		plural(m.Cores(cpus), "core"), plural(m.Packages(), "package"), gib(m.UsableMemoryBytes()), plural(len(m.Nodes), "node"))
	if m.Container != "" {
		text += ", in a container (" + m.Container + ")"
	}
	return text
}

func plural(count int, thing string) string {
	if count == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", count, thing)
}

// OutcomesText tells people what became of changes.
func OutcomesText(outcomes []Outcome, colour bool) string {
	p := palette{colour}
	var b strings.Builder
	for _, o := range outcomes {
		fmt.Fprintf(&b, "%s /%s: %s -> %s\n", p.paint(statusColours[o.Status], fmt.Sprintf("%-8s", o.Status)), o.File, o.From, o.To)
		if o.Reason != "" {
			fmt.Fprintf(&b, "%-9s%s\n", "", o.Reason)
		}
	}
	return b.String()
}
