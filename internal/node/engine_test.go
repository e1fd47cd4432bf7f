package node

import "testing"

func TestNewEngine(t *testing.T) {
	for _, native := range []string{"off", "on", "eager"} {
		if engine, err := NewEngine(native); err != nil || engine == nil {
			t.Errorf("%s: got %v, %v; want an engine", native, engine, err)
		}
	}
	if _, err := NewEngine("fast"); err == nil {
		t.Error("got no error for a setting that is none")
	}
}
