// Node is NATS on one node, over loopback TCP, which is all it has there; the server is a process
// of its own. Core NATS: at most once, no back-pressure. So that a receiver which falls behind is not
// cut off, server and client keep 256 MB for it, and a producer at full rate waits for the server (a
// flush) after each 32 MB, which waits for what is under way. The largest message is 8 MB. NATS has no way to spin.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/ringcast/ringcast/bench/node"
)

const (
	pending     = 256 << 20
	flushEvery  = 32 << 20
	patience    = 100 * time.Millisecond
	idlePatient = time.Minute
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		if err := serve(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "nats:", err)
			os.Exit(1)
		}
		return
	}
	node.Peer{Begin: begin, Open: open}.Main()
}

// begin starts the server at a port that is free.
func begin(*node.Work) (place string, end func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	place = l.Addr().String()
	if err := l.Close(); err != nil {
		return "", nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self, "serve", place)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	return place, func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }, nil
}

func serve(place string) error {
	at, err := net.ResolveTCPAddr("tcp", place)
	if err != nil {
		return err
	}
	s, err := server.NewServer(&server.Options{Host: at.IP.String(), Port: at.Port, MaxPending: pending, MaxPayload: 8 << 20,
		WriteDeadline: 20 * time.Second, NoSigs: true, NoLog: true})
	if err != nil {
		return err
	}
	s.Start()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	<-ended
	s.Shutdown()
	return nil
}

// A link publishes on one subject and subscribes to another, or asks and answers.
type link struct {
	role    node.Role
	c       *nats.Conn
	sub     *nats.Subscription
	to      string
	request *nats.Msg // in hand
	reply   *nats.Msg
	wait    time.Duration
	unsent  int
}

func open(w *node.Work) (node.Link, error) {
	l := &link{role: w.Role, wait: patience}
	if w.Scenario == "idle" {
		l.wait = idlePatient
	}
	var err error
	for range 500 {
		if l.c, err = nats.Connect("nats://"+w.Place, nats.NoEcho()); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return nil, err
	}
	from := map[node.Role]string{node.Consume: "there", node.Ping: "back", node.Pong: "there", node.Serve: "service"}[w.Role]
	l.to = map[node.Role]string{node.Produce: "there", node.Ping: "there", node.Pong: "back", node.Ask: "service"}[w.Role]
	if from == "" {
		return l, nil
	}
	if l.sub, err = l.c.SubscribeSync(from); err != nil {
		return nil, err
	}
	if err := l.sub.SetPendingLimits(-1, pending); err != nil {
		return nil, err
	}
	return l, l.c.Flush() // the server knows the subscription
}

func (l *link) Send(payload []byte) (err error) {
	switch l.role {
	case node.Ask:
		l.reply, err = l.c.Request(l.to, payload, 20*time.Second)
		return err
	case node.Serve:
		return l.request.Respond(payload)
	}
	if err := l.c.Publish(l.to, payload); err != nil {
		return err
	}
	if l.unsent += len(payload); l.unsent < flushEvery {
		return nil
	}
	l.unsent = 0
	return l.c.FlushTimeout(20 * time.Second)
}

func (l *link) Receive(take func([]byte) error) error {
	if l.role == node.Ask {
		return take(l.reply.Data)
	}
	m, err := l.sub.NextMsg(l.wait)
	if err == nats.ErrTimeout {
		return nil
	}
	if err != nil {
		return err
	}
	l.request = m
	return take(m.Data)
}

func (l *link) Close() error {
	defer l.c.Close()
	return l.c.FlushTimeout(20 * time.Second)
}
