package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
)

// Server answers JSON-RPC over every listener it is given, HTTP and WebSocket
// on the same port.
type Server struct {
	cfg     Config
	backend Backend
	config  *params.ChainConfig
	signer  types.Signer
	methods map[string]method
	modules []string

	hub       *hub
	filters   *filterTable
	tips      *tipOracle
	bodies    *budget
	replies   *budget
	queues    *budget
	slots     chan struct{}
	lingering chan struct{} // one item per connection
	http      *fasthttp.Server
	upgrader  websocket.FastHTTPUpgrader

	ctx    context.Context // ends when the server stops
	cancel context.CancelFunc

	mu struct {
		sync.Mutex
		sockets map[*socket]struct{}
		closed  bool
	}
	socketsDone sync.WaitGroup
}

// New returns a server for the backend, which it subscribes to. Shutdown ends
// it, whether it has served or not.
func New(cfg Config, backend Backend) *Server {
	cfg = cfg.withDefaults()
	s := &Server{
		cfg:       cfg,
		backend:   backend,
		config:    backend.ChainConfig(),
		signer:    types.LatestSigner(backend.ChainConfig()),
		filters:   newFilterTable(cfg.MaxFilters, cfg.FilterTTL),
		tips:      &tipOracle{backend: backend},
		bodies:    newBudget(cfg.BodiesBytes),
		replies:   newBudget(cfg.RepliesBytes),
		queues:    newBudget(cfg.QueuesBytes),
		slots:     make(chan struct{}, cfg.CallSlots),
		lingering: make(chan struct{}, lingerMax),
	}
	s.methods, s.modules = selectMethods(cfg.Modules)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.mu.sockets = make(map[*socket]struct{})
	s.http = newHTTPServer(&cfg, s.handle)
	s.upgrader = newUpgrader(s.originAllowed)
	s.hub = newHub(backend, s.signer)
	return s
}

// Serve serves a listener until Shutdown, or until the listener fails. It may
// be called for several listeners.
func (s *Server) Serve(ln net.Listener) error {
	err := s.http.Serve(ln)
	switch {
	case s.ctx.Err() != nil: // Shutdown has closed the listener
		err = nil
	case err != nil:
		err = fmt.Errorf("cannot serve RPC at %s: %w", ln.Addr(), err)
	}
	return err
}

// Shutdown closes the listeners, says goodbye to every WebSocket, ends the
// requests that wait, lets the others finish, and ends the subscription to the
// backend. When ctx ends first, it stops waiting and returns its error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.cancel()
	s.closeSockets()
	err := s.http.ShutdownWithContext(ctx)
	s.hub.close()
	done := make(chan struct{})
	go func() {
		s.socketsDone.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("cannot shut the RPC server down in time: %w", err)
	}
	return nil
}

// closeSockets cuts all WebSockets off and lets no new one in.
func (s *Server) closeSockets() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.closed = true
	for k := range s.mu.sockets {
		k.cutOff(closeShutdown)
	}
}

// enter registers a socket and reports whether there is room for it.
func (s *Server) enter(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed || len(s.mu.sockets) >= s.cfg.MaxSockets {
		return false
	}
	s.mu.sockets[k] = struct{}{}
	s.socketsDone.Add(1)
	return true
}

func (s *Server) leave(k *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.sockets, k)
	s.socketsDone.Done()
}

func (s *Server) socketsFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.sockets) >= s.cfg.MaxSockets
}
