package evmbench

import (
	"bytes"
	"fmt"

	"github.com/redline-evm/redline/internal/reference"
)

// check compares a result with what the case wants.
func (c *Case) check(got reference.Result) error {
	w := &c.Want
	if w.AnyOutcome {
		return nil
	}
	used := c.Message.Gas - got.GasLeft
	if got.Status != w.Status || used != w.GasUsed || got.Refund != w.Refund {
		return fmt.Errorf("case %s: got %v, %d gas used, refund %d; want %v, %d, %d",
			c.Name, got.Status, used, got.Refund, w.Status, w.GasUsed, w.Refund)
	}
	if !w.AnyOutput && !bytes.Equal(got.Output, w.Output) {
		return fmt.Errorf("case %s: got output %x; want %x", c.Name, got.Output, w.Output)
	}
	return nil
}
