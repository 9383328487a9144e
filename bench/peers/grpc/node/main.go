// Node is gRPC on one node, over a socket of the kernel, which is the fastest way it has there: one
// connection, unary calls one at a time, payloads as bytes without a schema, so that none is
// encoded. A round trip is a call. gRPC has calls and no topics.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ringcast/ringcast/bench/node"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	node.Peer{Begin: func(w *node.Work) (string, func(), error) { return w.Dir + ".socket", func() {}, nil }, Open: open}.Main()
}

// raw passes bytes as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }
func (raw) Name() string                       { return "raw" }

const method = "/bench.Echo/Call"

func open(w *node.Work) (node.Link, error) {
	if w.Role == node.Serve || w.Role == node.Pong || w.Role == node.Consume {
		return listen(w)
	}
	c, err := grpc.NewClient("unix:"+w.Place, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(16<<20), grpc.WaitForReady(true)))
	return &caller{c: c}, err
}

// A caller is the client.
type caller struct {
	c     *grpc.ClientConn
	reply []byte
}

func (l *caller) Send(payload []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return l.c.Invoke(ctx, method, &payload, &l.reply)
}

func (l *caller) Receive(take func([]byte) error) error { return take(l.reply) }

func (l *caller) Close() error { return l.c.Close() }

// A listener is the server.
type listener struct {
	size   int
	l      net.Listener
	server *grpc.Server
	handle func(request, reply []byte) (bool, error)
	over   chan error
}

func listen(w *node.Work) (*listener, error) {
	l, err := net.Listen("unix", w.Place)
	if err != nil {
		return nil, err
	}
	return &listener{size: w.Size, l: l, over: make(chan error, 1)}, nil
}

// Serve answers calls until the last, in the goroutines of gRPC: calls come one at a time.
func (l *listener) Serve(handle func(request, reply []byte) (bool, error)) error {
	l.handle = handle
	l.server = grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.MaxRecvMsgSize(16<<20))
	l.server.RegisterService(&grpc.ServiceDesc{ServiceName: "bench.Echo", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Call", Handler: call}}}, l)
	go func() {
		if err := l.server.Serve(l.l); err != nil {
			l.over <- fmt.Errorf("serve: %w", err)
		}
	}()
	err := <-l.over
	l.server.GracefulStop()
	return err
}

func call(server any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	l, request := server.(*listener), []byte(nil)
	if err := decode(&request); err != nil {
		return nil, err
	}
	reply := make([]byte, l.size)
	last, err := l.handle(request, reply)
	if last {
		l.over <- err
	}
	return &reply, err
}

func (l *listener) Send([]byte) error                { return errors.New("a server does not send") }
func (l *listener) Receive(func([]byte) error) error { return errors.New("a server is called") }
func (l *listener) Close() error                     { return nil }
