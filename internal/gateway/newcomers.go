package gateway

import (
	"net"
	"net/http"
	"sync"
)

// newcomers are the connections that have not asked for anything yet: browsers open some in
// reserve. net/http would wait 5 s for them when it stops. It is safe for concurrent use.
type newcomers struct {
	mu    sync.Mutex
	conns map[net.Conn]bool // guarded by mu; nil once all were closed
}

func (n *newcomers) note(c net.Conn, state http.ConnState) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(n.conns, c)
	case n.conns != nil:
		n.conns[c] = true
	default:
		_ = c.Close()
	}
}

// close closes all of them, and those to come.
func (n *newcomers) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close()
	}
	n.conns = nil
}
