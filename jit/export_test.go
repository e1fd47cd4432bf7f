package jit

import "github.com/redline-evm/redline/jit/ir"

// Tamper makes the engine compile every program wrongly.
func (e *Engine) Tamper(tamper func(*ir.Program)) { e.native.tamper = tamper }
