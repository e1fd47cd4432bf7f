//go:build !linux

package tuning

import (
	"errors"
	"time"
)

// PinThread needs Linux.
func PinThread(IDSet) error { return errors.ErrUnsupported }

// PinProcess needs Linux.
func PinProcess(IDSet) error { return errors.ErrUnsupported }

// SetTimerSlack needs Linux.
func SetTimerSlack(time.Duration) error { return errors.ErrUnsupported }

// PlaceMemory needs Linux.
func PlaceMemory([]byte, Placement, IDSet) error { return errors.ErrUnsupported }

// PlaceThread needs Linux.
func PlaceThread(Placement, IDSet) error { return errors.ErrUnsupported }

// NodeOf needs Linux.
func NodeOf([]byte) (int, error) { return 0, errors.ErrUnsupported }

// LockMemory needs Linux.
func LockMemory([]byte) error { return errors.ErrUnsupported }

func lockTouched([]byte) error { return errors.ErrUnsupported }

func faultIn([]byte) error { return errors.ErrUnsupported }
