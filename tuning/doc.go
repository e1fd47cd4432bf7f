// Package tuning knows the machine: which processors, memory and limits there
// are, what of its settings costs a chain time, and how a process takes the
// part of it that it wants: threads on processors, memory on nodes, garbage
// collection by the memory at hand, exact waits. It must not know what a
// program does with any of it, and imports nothing of ours.
//
// What the system tells is read through an fs.FS whose root is "/", so that
// tests bring machines of their own. The formats are those of the Linux kernel:
// Documentation/ABI (sysfs), admin-guide/{sysctl,mm,cgroup-v1,cgroup-v2.rst} and
// proc(5). On other systems the process's own settings have plain fallbacks or
// return errors.ErrUnsupported.
package tuning
