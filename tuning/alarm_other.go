//go:build !linux

package tuning

import "errors"

// newKernelAlarm needs Linux.
func newKernelAlarm(bool) (alarm, error) { return nil, errors.ErrUnsupported }
