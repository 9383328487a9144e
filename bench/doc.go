// Package bench measures how fast messages go between processes, and says on
// what machine, in what state of it, and under which work.
//
// # What is measured
//
// A run starts processes of its own over a private domain in a temporary
// directory, which is removed at its end. Producers claim a slot and write every
// byte of the payload in place; readers iterate over a subscription and read
// every byte where it lies, and check it. This is the public root package, as
// programs use it.
//
// Scenario [Stream] has any number of producers and readers of one topic;
// [PingPong] sends a message there and back; [Wake] sends after a pause to a
// reader that has gone to sleep; [Idle] is what readers cost that sleep all the time.
//
// # What the figures mean
//
// A rate is counted by each reader between two instants after the warm-up. With
// Spec.Rate messages are offered at instants that are fixed beforehand, and a
// latency counts from the instant at which the message should have been sent: a
// stall is in the figures of all the messages that it delayed (no coordinated
// omission). Without a rate a stream measures no latency: it would be the length
// of the queue. A round trip at no rate counts from the end of the one before.
//
// Virtual machines move their cores: the time that a cache line takes there and
// back is probed before and after each run ([CacheLine]), and a figure is only
// compared with one of the same [Regime]; see [Alternate].
//
// # Others beside us
//
// A [Contender] does the work of a Spec and gives a [Figure]. Ours is one,
// a [Program] is any other: it takes the work as flags and prints one JSON line.
package bench
