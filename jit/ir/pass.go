package ir

import (
	"fmt"

	"github.com/redline-evm/redline/internal/invariants"
)

// A pass makes the program of the builder better and leaves it with the same
// meaning, for programs as they are built: what one pass takes for granted of
// others is said in after.
type pass struct {
	name  string
	run   func(b *Builder)
	after []string // passes that must have run
}

// passes are all passes, in their order.
var passes = []pass{
	{name: "facts", run: (*Builder).applyFacts},
	{name: "loops", run: (*Builder).addLoops, after: []string{"facts"}}, // which moves blocks
}

// Optimize returns the program that was built last, made better by what holds
// across blocks. It takes time linear in the program's size.
func (b *Builder) Optimize() *Program {
	for i := range passes {
		passes[i].run(b)
		if invariants.Enabled {
			if err := b.out.Check(); err != nil {
				panic(fmt.Sprintf("behind pass %s: %v", passes[i].name, err))
			}
		}
	}
	return &b.out
}
