// Package ringcast is a messaging system: processes talk to each other by name,
// wherever they run. On one node a topic is a ring in shared memory; between
// nodes a forwarder republishes, over reliable multicast, what other nodes asked
// for. A program sees neither: it publishes and subscribes, asks and answers.
//
//	bus, err := ringcast.Open(ctx, nil)
//	defer bus.Close()
//
//	orders, err := bus.Publisher("orders.eu", nil)
//	err = orders.Publish(ctx, payload)
//
//	sub, err := bus.Subscribe("orders.>", nil)
//	for msg, err := range sub.Messages(ctx) {
//		if ringcast.IsEvent(err) {
//			log.Print(err) // what was missed, and how much; reading goes on
//			continue
//		}
//		if err != nil {
//			return err
//		}
//		use(msg.Payload()) // valid until the next turn
//	}
//
//	instance, err := bus.Serve("pricing", handler, nil)
//	reply, err := bus.Request(ctx, "pricing", payload)
//
// doc/go.md is the guide.
//
// # What it promises
//
// A publish on a reliable topic that returned nil reaches every live reliable
// subscription that was attached before, once, in order per publisher, while
// its machine runs. Anything else is an error to the caller or an event in the
// stream: [LaggedError], [LossError], [DamagedError]. There is no silent gap.
// The death of a process stops the others on its node for some milliseconds, at
// most 100.
//
// # What it does not
//
// Nothing survives a crash of the machine. Messages of different publishers have
// no common order. A process that may write a ring can harm the others that use it.
//
// # The life of a message
//
//	Claim ──▶ write ──▶ Commit ──▶ Messages, Next ... ──▶ next turn
//	  └─────▶ Abort                     (the slot is lent)      (and released)
//
// [Publisher.Publish] copies and [Publisher.Claim] lends the slot, so that a
// FlatBuffers table is built where it will be read. A [Message] points into the
// ring until the next turn of the loop; [Message.Clone] keeps it.
//
// # Reading
//
// There are several ways to read one stream: [Subscription.Messages] is a loop,
// [Subscription.Next] one step of it, [Subscription.Handle] a callback;
// [Subscription.Poll] and [Subscription.TryNext] never wait,
// [Subscription.Ready] is a channel for select, and [Bus.Merge] makes one
// subscription of many. All of them tell events. doc/reading.md compares them.
//
// Members of a queue group (SubscriberConfig.Group) share a topic: each message goes to
// one of them. If it dies with a message in hand, another member is told.
//
// # Requests
//
// [Bus.Serve] answers to a name; instances of one name, on whatever nodes, share the
// load. [Bus.Request] waits for the reply, [Bus.Go] gives a [Future], [Bus.RequestStream]
// iterates over many replies. A request runs at most once, and each outcome but a reply is
// an error of its own. [ErrNoService] and [ErrOverloaded] come at once, and it did not run;
// [ReplyError] comes from the handler; after [ErrInstanceDied] and the context's error nobody
// knows whether it ran, unless [TimedOutError] says that it did not. [Bus.Send] and [Bus.Inbox]
// are messages to one process, [Bus.Survey] asks all subscribers of a topic. doc/requests.md has
// the rules.
//
// # Presence
//
// [Bus.Watch] tells who is there, and then each change once, with its reason; [Bus.Nodes]
// lists the other nodes. [Inspect] looks without joining, for tools.
//
// # Waiting
//
// If the slowest reliable subscription is a ring behind, the publisher waits, for at
// most that subscription's stall budget (500 ms). Then the subscription is put out,
// goes on at the end, and is told how much it missed. A [Latest] topic, and a
// subscription with Latest set, hold nobody back.
//
// A waiter spins briefly while traffic is recent and then sleeps; nothing idle uses
// the processor. [Spin] and [Yield] never sleep. A context that ends wakes its sleeper
// at once. There is no flush: what was published lies in no buffer.
//
// # Errors
//
// Few errors are values: [ErrClosed], which is also found as [os.ErrClosed]; [ErrInvalid],
// which is [os.ErrInvalid], for a setting that cannot be; [ErrFull], [ErrFenced], and
// outcomes of requests. Errors with data are types: [ShapeError] and [TooLargeError] say
// what to ask for; [AccessError], which is fs.ErrPermission, says whose rights refuse whom;
// [NoSpaceError], [VersionError], [DamagedFileError] and [NotOursError] name a file. Each
// says what to do. doc/errors.md lists them beside those of the other languages.
package ringcast
