// Service asks and answers: with one argument it serves a name, with two it asks it.
//
//	go run ./examples/go/service shout &
//	go run ./examples/go/service shout hello
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ringcast/ringcast"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch len(os.Args) {
	case 2:
		err = serve(ctx, os.Args[1])
	case 3:
		err = ask(ctx, os.Args[1], os.Args[2])
	default:
		err = errors.New("usage: service NAME [QUESTION]")
	}
	if err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, name string) (err error) {
	bus, err := ringcast.Open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bus.Close()) }()
	s, err := bus.Serve(name, func(_ context.Context, r *ringcast.Request) error {
		return r.Reply(bytes.ToUpper(r.Payload()))
	}, &ringcast.ServeConfig{Concurrency: 4})
	if err != nil {
		return err
	}
	fmt.Println("serving", name)
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.Stop(last) // what is in hand is finished, and nothing lost
}

func ask(ctx context.Context, name, question string) (err error) {
	bus, err := ringcast.Open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bus.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	reply, err := bus.Request(ctx, name, []byte(question))
	if err != nil {
		return err
	}
	fmt.Printf("%s\n", reply.Payload())
	return nil
}
