package wal

import "time"

// spareLoop keeps one segment prepared until the writer has ended, so that the
// writer finds it when it needs it.
func (l *Log) spareLoop() {
	for {
		number, size, ok := l.spareWanted()
		if !ok {
			return
		}
		s, err := l.makeSpare(number, size)
		l.setSpare(s, err)
		if err != nil {
			l.pause()
		}
	}
}

// makeSpare makes a segment of that size; of a smaller one if the disk is too
// full.
func (l *Log) makeSpare(number uint64, size int64) (*segment, error) {
	for {
		s, err := l.makeSegment(number, size)
		if err == nil || size/growth < firstSizeBytes {
			return s, err
		}
		size /= growth
	}
}

// spareWanted waits until a spare segment is wanted; ok is false when there is
// nobody to use one.
func (l *Log) spareWanted() (number uint64, size int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.mu.spare != nil && !l.mu.written {
		l.mu.spares.Wait()
	}
	number, size = 1, firstSizeBytes
	if n := len(l.mu.segments); n > 0 {
		newest := l.mu.segments[n-1]
		number, size = newest.number+1, newest.size*growth
	}
	return number, min(size, l.opts.SegmentBytes), !l.mu.written
}

func (l *Log) setSpare(s *segment, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && l.mu.spareErr == nil {
		l.opts.Log.Warn("the log cannot grow; it goes on while its newest segment has room", "err", err)
	}
	l.mu.spare, l.mu.spareErr = s, err
	l.mu.spares.Broadcast()
}

// waitForSpare returns the prepared segment, or why there is none. It stays the
// spare until useSpare.
func (l *Log) waitForSpare() (*segment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.spare == nil {
		spareWaitsTotal.Inc()
	}
	for l.mu.spare == nil && l.mu.spareErr == nil {
		l.mu.spares.Wait()
	}
	return l.mu.spare, l.mu.spareErr
}

// useSpare makes the spare the newest segment, and lets the next one be made.
func (l *Log) useSpare() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.segments = append(l.mu.segments, l.mu.spare)
	l.mu.spare = nil
	l.mu.spares.Broadcast()
}

// pause waits before the next attempt at what failed. It returns false, at once,
// when the log is being closed.
func (l *Log) pause() bool {
	timer := time.NewTimer(l.opts.RetryWait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.closed:
		return false
	}
}
