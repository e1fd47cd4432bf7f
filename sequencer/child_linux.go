package main

import "syscall"

// childAttributes keeps a terminal's Ctrl-C from the child, which is stopped in
// order instead, and ends the child when this process is killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
