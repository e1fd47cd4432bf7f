package ir

import "testing"

// TestPassOrder: each pass runs behind those that it needs.
func TestPassOrder(t *testing.T) {
	done := make(map[string]bool)
	for _, p := range passes {
		for _, before := range p.after {
			if !done[before] {
				t.Errorf("%s runs before %s", p.name, before)
			}
		}
		if done[p.name] {
			t.Errorf("%s is there twice", p.name)
		}
		done[p.name] = true
	}
}
