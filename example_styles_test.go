package ringcast_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/ringcast/ringcast"
)

// exampleStream is a subscription with so many messages to come.
func exampleStream(topic string, messages ...string) (bus *ringcast.Bus, sub *ringcast.Subscription, end func()) {
	cfg, remove := exampleConfig()
	bus, err := ringcast.Open(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	sub, err = bus.Subscribe(topic, nil)
	if err != nil {
		log.Fatal(err)
	}
	pub, err := bus.Publisher(topic, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range messages {
		if err := pub.Publish(context.Background(), []byte(m)); err != nil {
			log.Fatal(err)
		}
	}
	return bus, sub, func() { _ = bus.Close(); remove() }
}

// One message at a time, for no longer than the context.
func ExampleSubscription_Next() {
	_, sub, end := exampleStream("tea", "green", "black")
	defer end()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	for {
		m, err := sub.Next(ctx)
		if ringcast.IsEvent(err) {
			log.Print(err) // something was missed; reading goes on
			continue
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s\n", m.Payload())
	}
	// Output:
	// green
	// black
	// context deadline exceeded
}

// A callback gets messages and events. Its error ends the reading.
func ExampleSubscription_Handle() {
	_, sub, end := exampleStream("tea", "green", "black", "enough")
	defer end()
	errEnough := errors.New("enough")
	err := sub.Handle(context.Background(), func(m *ringcast.Message, event error) error {
		if event != nil {
			log.Print(event)
			return nil
		}
		if string(m.Payload()) == "enough" {
			return errEnough
		}
		fmt.Printf("%s\n", m.Payload())
		return nil
	})
	fmt.Println("ended:", err)
	// Output:
	// green
	// black
	// ended: enough
}

// A loop of one's own takes what is there, and does other things.
func ExampleSubscription_Poll() {
	_, sub, end := exampleStream("tea", "green", "black", "white")
	defer end()
	for turn := range 3 {
		n, err := sub.Poll(2, func(m *ringcast.Message) { fmt.Printf("%s\n", m.Payload()) })
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("turn %d: %d\n", turn, n)
	}
	// Output:
	// green
	// black
	// turn 0: 2
	// white
	// turn 1: 1
	// turn 2: 0
}

// A subscription beside other channels.
func ExampleSubscription_Ready() {
	_, sub, end := exampleStream("tea", "green", "black")
	defer end()
	timeout := time.After(50 * time.Millisecond)
	for {
		select {
		case <-sub.Ready():
			m, err := sub.TryNext()
			switch {
			case err == nil:
				fmt.Printf("%s\n", m.Payload())
			case ringcast.IsEvent(err):
				log.Print(err)
			case err != ringcast.ErrEmpty:
				return
			}
		case <-timeout:
			fmt.Println("no more")
			return
		}
	}
	// Output:
	// green
	// black
	// no more
}

// One goroutine serves several subscriptions.
func ExampleBus_Merge() {
	bus, tea, end := exampleStream("tea", "green")
	defer end()
	coffee, err := bus.Subscribe("coffee.*", nil)
	if err != nil {
		log.Fatal(err)
	}
	both, err := bus.Merge(tea, coffee)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for m, err := range both.Messages(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s\n", m.Subscription().Pattern(), m.Payload())
		if m.Subscription() == coffee {
			break
		}
		pub, err := bus.Publisher("coffee.filter", nil)
		if err != nil {
			log.Fatal(err)
		}
		if err := pub.Publish(ctx, []byte("large")); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// tea: green
	// coffee.*: large
}

// Two members of a queue group share a topic. What one has in hand is done when it
// asks for the next.
func ExampleBus_Subscribe_group() {
	bus, _, end := exampleStream("jobs")
	defer end()
	ctx := context.Background()
	group := &ringcast.SubscriberConfig{Group: "workers"}
	one, err := bus.Subscribe("jobs", group)
	if err != nil {
		log.Fatal(err)
	}
	two, err := bus.Subscribe("jobs", group)
	if err != nil {
		log.Fatal(err)
	}
	pub, err := bus.Publisher("jobs", nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, job := range []string{"wash", "dry", "fold"} {
		if err := pub.Publish(ctx, []byte(job)); err != nil {
			log.Fatal(err)
		}
	}
	for _, worker := range []*ringcast.Subscription{one, two, one} {
		m, err := worker.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", m.Payload())
		m.Done() // or the next call says it
	}
	// Output:
	// wash
	// dry
	// fold
}
