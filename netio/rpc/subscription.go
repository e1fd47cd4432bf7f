package rpc

import "fmt"

type subKind uint8

const (
	subHeads subKind = iota
	subLogs
	subPending
	subKinds
)

// subscription sends a socket a notification for each event of its kind.
type subscription struct {
	id     string
	kind   subKind
	query  logQuery // logs
	full   bool     // pending: whole transactions
	socket *socket
}

// notify queues a notification with a result that is JSON already.
func (sub *subscription) notify(result []byte) {
	const head, middle, tail = `{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"`, `","result":`, `}}`
	message := make([]byte, 0, len(head)+len(sub.id)+len(middle)+len(result)+len(tail))
	message = append(message, head...)
	message = append(message, sub.id...)
	message = append(message, middle...)
	message = append(message, result...)
	message = append(message, tail...)
	sub.socket.send(message)
}

// start begins the notifications of a subscription.
func (h *hub) start(sub *subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.sockets[sub.socket] == nil {
		h.mu.sockets[sub.socket] = make(map[string]*subscription)
	}
	h.mu.sockets[sub.socket][sub.id] = sub
	h.mu.kinds[sub.kind][sub] = struct{}{}
}

// stop ends a subscription of a socket and reports whether it was there.
func (h *hub) stop(id string, owner *socket) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	sub, ok := h.mu.sockets[owner][id]
	if ok {
		delete(h.mu.kinds[sub.kind], sub)
		delete(h.mu.sockets[owner], id)
	}
	return ok
}

// stopAll ends all subscriptions of a socket, which starts no more of them.
func (h *hub) stopAll(owner *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, sub := range h.mu.sockets[owner] {
		delete(h.mu.kinds[sub.kind], sub)
	}
	delete(h.mu.sockets, owner)
}

func (h *hub) countOf(owner *socket) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.mu.sockets[owner])
}

func (s *Server) subscribe(c *call, dst []byte) ([]byte, error) {
	if c.socket == nil {
		return dst, errNotifications
	}
	sub := &subscription{id: newID(), socket: c.socket}
	if err := sub.read(&c.args); err != nil {
		return dst, err
	}
	if s.hub.countOf(c.socket)+len(c.started) >= maxSocketSubs {
		return dst, limitExceeded("too many subscriptions, want at most %d on a connection", maxSocketSubs)
	}
	c.started = append(c.started, sub)
	return appendString(dst, sub.id), nil
}

// read reads the kind and the parameters of a subscription.
func (sub *subscription) read(a *args) error {
	kind, ok := unquote(a.optional())
	if a.err == nil && !ok {
		return invalidParams("expected subscription name as first argument")
	}
	switch string(kind) {
	case "newHeads":
		sub.kind = subHeads
	case "logs":
		sub.kind = subLogs
		if text := a.optional(); text != nil {
			query, err := parseLogQuery(text)
			a.reject(err)
			sub.query = query
		}
	case "newPendingTransactions":
		sub.kind = subPending
		sub.full = a.optionalBool()
	default:
		if a.err == nil {
			return &Error{Code: codeMethodNotFound, Message: fmt.Sprintf("no %q subscription in eth namespace", kind)}
		}
	}
	return a.end()
}

func (s *Server) unsubscribe(c *call, dst []byte) ([]byte, error) {
	id := c.args.text()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	if c.socket == nil || !s.hub.stop(id, c.socket) {
		return dst, errSubscriptionNotFound
	}
	return appendBool(dst, true), nil
}
