// Package labtest holds the tests of the driver that need more hosts than one, or
// interfaces that go away: they run in network namespaces (internal/netlab).
package labtest
