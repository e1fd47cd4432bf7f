package snapshot

import "time"

// limiter spreads bytes over time: it says when the next ones may be taken. It
// saves up nothing while it is idle, so that a pause is not followed by a burst.
type limiter struct {
	bytesPerSecond uint64 // 0: no limit
	free           time.Time
}

// take takes bytes at a time and returns how long to wait before they are used.
func (l *limiter) take(now time.Time, bytes int) (wait time.Duration) {
	if l.bytesPerSecond == 0 {
		return 0
	}
	if l.free.Before(now) {
		l.free = now
	}
	wait = l.free.Sub(now)
	l.free = l.free.Add(time.Duration(float64(bytes) / float64(l.bytesPerSecond) * float64(time.Second)))
	return wait
}
