// Package shm is what processes of one node share: segments, the table of
// participants, doorbells, and counters.
//
// A segment is a mapped file that nobody ever sees half made. It is built
// without a name, its pages are reserved, it is filled, set READY, and only then
// linked ([Create]). So a full file system is an error there, and never a SIGBUS
// later. An opener checks everything before it maps ([Open]), and tells apart a
// file that is not ours, one of another version, and a damaged one. Whoever finds
// that nobody uses a segment removes it ([Segment.Remove]).
//
// A domain is a directory of segments ([OpenDomain]):
//
//	BASE/DOMAIN/node          id and epoch of the node, seat of its forwarder
//	            participants  a record each: generation, doorbell, what it says of itself
//	            directory     what the forwarder knows of other nodes
//	            forwarder     what one forwarder leaves to the next (made by the first)
//	            live/INDEX    the bell of a participant: a FIFO that it holds open
//	            counters/INDEX.cnt
//	            topics/ services/ inbox/   rings; package ring
//
// A participant joins ([Domain.Join]), and lives as long as the kernel holds a
// lock for it: the byte of its index in the participants' file. Nothing else
// counts, no pid, no heartbeat, no timeout. The lock is right across containers,
// when pids are used again, for a zombie, and while a process is stopped.
//
//	lock byte ──▶ bell ──▶ {g, FREE} to {g, LIVE} ──▶ ... ──▶ {g+1, FREE} ──▶ unlock
//	                                              └─ killed: the lock is free, the record LIVE:
//	                                                 recovery, then Free
//
// What it promises: [Domain.Alive] is what the kernel says at that instant.
// [Domain.Deaths] tells of a death within milliseconds, and never of anybody
// living. A participant that dies leaves a record, a FIFO and a file of counters;
// [Domain.Free] takes them all away. An index is used again under a higher
// generation.
//
// What it does not: recover rings (package ring does that before Free), or protect
// from a process that may write the files and truncates them.
//
// Locks are of open file descriptions, so two domains opened in one process are
// two participants. A lock lives on in a forked child that does not execute
// another program. A Go program does not fork like that. Its descriptors are closed
// on exec, so a child that is just being started holds its parent's locks for that
// instant only. A program with a C library that forks has to take care.
//
// Everything that others write is input: each word is loaded once, checked,
// then used. Offsets are relative to a mapping, and all words are little endian.
// The byte layout is spec/segment.md.
//
// The release and acquire pairs: pairs(ready) a segment's content, pairs(live)
// a participant's record, pairs(info) what it says of itself, pairs(directory)
// the table of the other nodes, pairs(doorbell) waking, pairs(cursor-row) the
// rows of the forwarder, pairs(scanned) what it has taken notice of,
// pairs(counter) a counter's label.
//
//	d, err := shm.OpenDomain(&shm.Config{Domain: "plant"})
//	p, err := d.Join(shm.Info{Name: "pump"})
//	seen := p.Doorbell().Load()
//	// look at the rings; then, if there was nothing:
//	p.Doorbell().Wait(seen, 100*time.Millisecond)
//	p.Close()
//	d.Close()
package shm

// What a segment is laid over does not exist everywhere.
import _ "github.com/ringcast/ringcast/internal/platform"
