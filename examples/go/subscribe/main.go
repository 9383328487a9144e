// Subscribe prints ten messages of a topic, or of all topics that match a
// pattern, and what happened to the stream.
//
//	go run ./examples/go/subscribe greetings
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/ringcast/ringcast"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: subscribe PATTERN")
	}
	if err := subscribe(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func subscribe(ctx context.Context, pattern string) (err error) {
	bus, err := ringcast.Open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bus.Close()) }()
	sub, err := bus.Subscribe(pattern, nil)
	if err != nil {
		return err
	}
	count := 0
	for m, err := range sub.Messages(ctx) {
		var lagged *ringcast.LaggedError
		switch {
		case errors.As(err, &lagged):
			fmt.Printf("too slow: missed %d\n", lagged.Missed)
		case ringcast.IsEvent(err):
			fmt.Println(err)
		case err != nil:
			return err // the end
		default:
			fmt.Printf("%s %d: %s\n", m.Topic(), m.Sequence(), m.Payload()) // valid until the next turn
			count++
		}
		if count == 10 {
			return sub.Close()
		}
	}
	return nil
}
