package node

import (
	"sync"

	"github.com/redline-evm/redline/netio/rpc"
)

// feed hands events to subscribers without ever waiting for one: who does not
// keep up is cut off, and learns it from the end of its channel.
type feed struct {
	mu struct {
		sync.Mutex
		subscribers map[chan rpc.Event]struct{}
	}
}

func newFeed() *feed {
	f := &feed{}
	f.mu.subscribers = map[chan rpc.Event]struct{}{}
	return f
}

func (f *feed) subscribe(buffer int) (events <-chan rpc.Event, cancel func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	channel := make(chan rpc.Event, buffer)
	f.mu.subscribers[channel] = struct{}{}
	return channel, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.endLocked(channel)
	}
}

func (f *feed) publish(event rpc.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for channel := range f.mu.subscribers {
		select {
		case channel <- event:
		default:
			f.endLocked(channel)
		}
	}
}

func (f *feed) endLocked(channel chan rpc.Event) {
	if _, live := f.mu.subscribers[channel]; live {
		delete(f.mu.subscribers, channel)
		close(channel)
	}
}
