// Package between has the tests of what programs of different nodes say to each other
// directly: real forwarders over loopback, real programs, and a death of each party.
// It is tests alone.
package between
