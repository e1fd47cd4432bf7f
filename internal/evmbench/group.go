package evmbench

import (
	"math"
	"slices"
	"strings"
)

// groups are the groups of cases, by what the names of their cases begin with.
var groups = []struct {
	name     string
	prefixes []string
}{
	{"fib", []string{"fib", "sol_fib"}},
	{"main", []string{"main."}},
	{"app", []string{"erc20", "evmbench", "univ2", "call"}},
	{"micro", []string{"micro."}},
	{"op", []string{"op_"}},
}

// groupOf is the group of a case, or empty.
func groupOf(name string) string {
	for _, g := range groups {
		if slices.ContainsFunc(g.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			return g.name
		}
	}
	return ""
}

// ratio is how two contenders compare on a case.
type ratio struct {
	group, variant string
	value          float64
}

// comparisons are the ratios for which geometric means are formed: how many times
// as long the first takes as the second.
var comparisons = [][2]string{{peer, "interp"}, {peer, native}, {"interp", native}}

func variant(slower, faster string) string { return slower + "_over_" + faster }

// addGeomeans adds the geometric means over all cases and over each group.
func (b *bench) addGeomeans() {
	b.addGeomean("geomean", func(ratio) bool { return true })
	for _, g := range groups {
		b.addGeomean("geomean_"+g.name, func(r ratio) bool { return r.group == g.name })
	}
}

// addGeomean adds the geometric means over those ratios that are in.
func (b *bench) addGeomean(workload string, in func(r ratio) bool) {
	for _, pair := range comparisons {
		var values []float64
		for _, r := range b.ratios {
			if r.variant == variant(pair[0], pair[1]) && in(r) {
				values = append(values, r.value)
			}
		}
		if len(values) > 0 {
			b.add(Row{
				Name: "ratio/" + workload + "/" + variant(pair[0], pair[1]), Unit: "x", N: len(values),
				Value: geomean(values), Min: slices.Min(values), Max: slices.Max(values),
			})
		}
	}
}

func geomean(values []float64) float64 {
	sum := 0.0
	for _, x := range values {
		sum += math.Log(x)
	}
	return math.Exp(sum / float64(len(values)))
}
