//go:build !linux

package main

import "syscall"

// childAttributes leaves everything as the system has it.
func childAttributes() *syscall.SysProcAttr { return nil }
