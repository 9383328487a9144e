// Command conformance runs every writer against every reader: programs of
// different languages, each an implementation of its own of spec/, on one ring.
//
// The implementations are Go (the root package) and C (cbindings/src). A peer is a
// program with three commands; RINGCAST_SHM_DIR says where the domain lies.
//
//	write TOPIC KIND MODE COUNT   publish COUNT messages, some in a claimed slot
//	claim TOPIC KIND MODE         claim a slot, print "claimed", stay until killed
//	read TOPIC COUNT              print "ready", read up to sequence COUNT, print "got N missed N"
//
// The ring has 64 slots of 128 bytes. Message n of a handle, from 1 on, has
// sizes[n mod 8] bytes, of 0, 1, 63, 128, 129, 400, 0, 17: empty, small, of a slot,
// and in two and four fragments; byte i of it is n*31 + i*7. A reader fails on a
// byte, a size or an order that is wrong, and on a gap that was not told.
//
// Each cell of the matrix is a pair of processes. The reader comes first and makes
// the default ring, which the writer replaces by its own; then the stream wraps
// around many times. In the cells named killed a writer is killed with SIGKILL in
// its claim before. One line a cell, then the matrix, then the sum.
package main
