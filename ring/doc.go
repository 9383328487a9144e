// Package ring carries messages between processes that map the same two files.
//
// A producer claims a slot, writes the payload in place and commits it. A reader
// sees committed slots only, in claim order, each once.
//
//	claim ──▶ write ──▶ commit ──▶ read ──▶ release
//	  └───────▶ abort ───▶ (readers step over the slot)
//
// # What it promises
//
// On a reliable ring a message whose Commit returned nil reaches every reliable
// reader that was attached before its position was claimed, once, in order. A
// reader that is too slow is put out and told how many positions passed it by.
// On a latest ring nobody waits; a reader that was overrun is told so.
//
// Members of a queue group share a reliable ring: each message goes to one of them.
// If a member dies, what it had in hand is reported to another, with the member's
// name; what it had only taken goes to another.
//
// Nothing is promised across a crash of the machine.
//
// # What it does not do
//
// It knows nothing of names, nodes or networks. It does not protect messages from
// a hostile process that may write the ring: such a process can spoil them, but it
// cannot crash or block a reader that uses this package.
//
// # Layout
//
//	NAME.ctl  | segment header | geometry | control words | claims ... | entries ... |
//	NAME.dat  | segment header | slot 0: header, payload | slot 1 | ...
//
// A claim word says who owns a position (slot and lap) and how far it is; it is
// the truth. The word "published" in a slot is a hint that saves a reader the
// look at the claim word. They live apart because a reader polls published: a
// claim word beside it would be taken out of the reader's cache at every message.
// The bytes are spec/layout.md, the rules spec/ring.md.
//
// # Roles and concurrency
//
// A Ring is the mapping and may be shared. A Producer or a Reader belongs to one
// goroutine at a time. Several processes, several producers and several readers
// may use one ring at once.
//
// # Death
//
// The kernel alone says who is dead (Host.Alive). Whoever stands before a claim of
// a dead producer quarantines it, and Recover frees it. A producer that is only slow
// is fenced after the commit deadline: its Commit returns ErrFenced. Slots lent to a
// reader that was put out are not written again before that reader lets go or dies.
//
// # Pairs
//
// Each release has a name and its acquire bears the same: commit, publish, claim,
// cursor, tail, entry, lease, reader-mask, room-mask, exclusive, seal; of groups:
// take, hand, row, report.
package ring
