// Package frozen runs the programs of an earlier release in one domain with those of this one:
// publishers and subscribers on one node, forwarders and requests between two, and the tools.
//
// The earlier release is testdata/COMMIT.tar.bz2: the sources, without tests, of cmd/ringcast and
// cmd/ringcastd as they were at that commit of this repository. They are built by the test itself. The
// archive never changes; a later release gets another one, beside it (`make freeze`). Why sources, and
// not a binary or the history: doc/decisions/257.
package frozen
