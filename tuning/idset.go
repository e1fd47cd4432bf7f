package tuning

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// idMax bounds the numbers of processors and nodes; Linux knows at most 8192
// processors.
const idMax = 1 << 13

// IDSet is a set of processor or node numbers.
//
// Invariant: sorted, without duplicates.
type IDSet []int

// ParseIDSet reads the kernel's list format: "0-3,8,10-11"; blank is empty.
func ParseIDSet(text string) (IDSet, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	var set IDSet
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		first, err := parseID(low)
		last := first
		if err == nil && isRange {
			last, err = parseID(high)
		}
		if err != nil || last < first {
			return nil, fmt.Errorf("cannot read the list %q: got %q; want numbers below %d and ranges such as 0-3,8", text, part, idMax)
		}
		for id := first; id <= last; id++ {
			set = append(set, id)
		}
	}
	return NewIDSet(set...), nil
}

func parseID(text string) (int, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err == nil && id >= idMax {
		err = strconv.ErrRange
	}
	return int(id), err
}

// NewIDSet returns the set of the numbers.
func NewIDSet(ids ...int) IDSet {
	set := IDSet(slices.Clone(ids))
	slices.Sort(set)
	return slices.Compact(set)
}

// String is the kernel's list format.
func (s IDSet) String() string {
	var parts []string
	for i := 0; i < len(s); {
		end := i + 1
		for end < len(s) && s[end] == s[end-1]+1 {
			end++
		}
		part := strconv.Itoa(s[i])
		if end-i > 1 {
			part += "-" + strconv.Itoa(s[end-1])
		}
		parts = append(parts, part)
		i = end
	}
	return strings.Join(parts, ",")
}

// Contains reports whether the number is in the set.
func (s IDSet) Contains(id int) bool {
	_, found := slices.BinarySearch(s, id)
	return found
}

// Intersect returns what is in both sets.
func (s IDSet) Intersect(other IDSet) IDSet {
	return s.filter(other.Contains)
}

// Minus returns what is in s and not in other.
func (s IDSet) Minus(other IDSet) IDSet {
	return s.filter(func(id int) bool { return !other.Contains(id) })
}

func (s IDSet) filter(keep func(int) bool) IDSet {
	var rest IDSet
	for _, id := range s {
		if keep(id) {
			rest = append(rest, id)
		}
	}
	return rest
}
