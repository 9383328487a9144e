// Worker takes messages of a topic as one of a queue group: start it several times,
// and each message goes to one of them. It ends when a message says "end".
//
//	go run ./examples/go/worker jobs &
//	go run ./examples/go/worker jobs &
//	seq 10 | go run ./cmd/ringcast pub jobs
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
		log.Fatal("usage: worker TOPIC")
	}
	if err := work(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func work(ctx context.Context, topic string) (err error) {
	bus, err := ringcast.Open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bus.Close()) }()
	jobs, err := bus.Subscribe(topic, &ringcast.SubscriberConfig{Group: "workers"})
	if err != nil {
		return err
	}
	return jobs.Handle(ctx, func(m *ringcast.Message, event error) error {
		var left *ringcast.AbandonedError
		switch {
		case errors.As(event, &left): // a worker died: nobody knows how far it came
			fmt.Printf("look after %d, which %v had\n", left.Sequence, left.Taker)
		case event != nil:
			fmt.Println(event)
		case string(m.Payload()) == "end":
			return jobs.Close() // Handle then returns nil
		default:
			fmt.Printf("%d: %s\n", m.Sequence(), m.Payload()) // when this returns it counts as done
		}
		return nil
	})
}
