// Package scenario holds tests of the whole system with real processes: the built
// forwarder and publishers that are killed at random instants, on two nodes that
// are two directories of this host, joined by multicast on loopback.
//
// Every message says its number, and every publisher leaves word in a file of its
// own of what was acknowledged. So each test can say, for each publisher and each
// subscriber: sent = delivered + told as missed. Each prints a table and the seed
// of its instants.
//
// In the environment: RINGCAST_SCENARIO_SEED repeats a run's instants,
// RINGCAST_SCENARIO_ROUNDS makes it longer than the 20 rounds it has (4 with -short):
//
//	RINGCAST_SCENARIO_ROUNDS=200 go test -count=1 -v -timeout 30m ./internal/scenario
package scenario
