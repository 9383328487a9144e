// Publish sends ten messages on a topic, once somebody listens.
//
//	go run ./examples/go/publish greetings
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
		log.Fatal("usage: publish TOPIC")
	}
	if err := publish(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func publish(ctx context.Context, topic string) (err error) {
	bus, err := ringcast.Open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bus.Close()) }()
	pub, err := bus.Publisher(topic, nil)
	if err != nil {
		return err
	}
	if err := bus.WaitForSubscribers(ctx, topic, 1); err != nil {
		return err
	}
	for i := range 10 {
		if err := pub.Publish(ctx, fmt.Appendf(nil, "greeting %d", i)); err != nil {
			return err
		}
	}
	return nil
}
