// Command conformance runs every writer against every reader: programs of
// different languages on one ring.
//
//	go run ./cbindings/conformance              the whole matrix; `make conformance`
//	go run ./cbindings/conformance -only c,go   the pairs of these languages
//	go run ./cbindings/conformance -cell group  the cells with this in their name
//
// It prints one line a cell, then the matrix, then "N passed, N failed, N skipped". A
// language whose peer can't be built has failed; nothing is ever skipped.
//
// # Peers
//
// A peer is a program that speaks for one language; languages.go lists them all, each
// with the command that builds it and the command that runs it, in the root of the
// repository. It gets one of the commands below in its arguments, one word each. The
// environment's RINGCAST_SHM_DIR says where the domain lies: it opens the domain that
// CONFORMANCE_DOMAIN names, the default without that. It ends with exit code 0, or says on its standard output in one line what went
// wrong and ends with 1. A line that is printed has to leave the program at once (flush).
//
//	write TOPIC KIND MODE WHAT COUNT
//
// Publishes messages 1 to COUNT and ends. KIND is shared or exclusive, MODE reliable or
// latest; the publisher asks for that, 64 slots of 256 bytes, and the schema 1330791493
// (0x4f524445). MODE few is reliable, of 4 slots. It waits for room up to 30 s. On a topic of mode latest it sleeps
// 200 µs behind every 8th message.
//
//	claim TOPIC KIND MODE
//
// Opens the same publisher, claims a slot, prints "claimed" and stays until it is
// killed (30 s at most).
//
//	read TOPIC READING HISTORY COUNT
//
// Subscribes, READING being reliable or latest, HISTORY messages back; prints "ready";
// reads until the message with sequence COUNT has come; prints "got N missed N": how
// many came, and how many sequences before COUNT did not. Every message is compared
// with what it should be (below). Sequences rise; one that is left out is an error,
// unless the subscription said LAGGED since the message before. Waits for a message
// up to 30 s.
//
//	member TOPIC GROUP
//
// Joins the queue group and prints "ready". For each message, once it has been compared and is
// done with (released, so that it is in nobody's hand), it prints "took N", N its
// sequence. For an event ABANDONED "abandoned N", N being the message's sequence; for
// LAGGED "missed N", N being how many. When its standard input ends (the framework
// closes it; look at it at least ten times a second) it leaves the group and ends.
//
//	hold TOPIC GROUP
//
// Joins the group, prints "ready", takes one message, compares it, prints "holding N",
// and stays until it is killed with the message in hand (30 s at most).
//
//	images GOLDEN
//
// Reads the golden image of each struct that it knows, GOLDEN/testdata/NAME.bin (GOLDEN/nested_generated.txt
// says which fields are structs), through the accessors or structs of its language. Prints a line for each scalar, in
// the order of their offsets: "NAME.PATH VALUE", the value in decimal.
//
//	refuse
//
// Does all of refusals.go, each with a topic of that name, and prints a line for each: its name, and
// the word for why it was refused (doc/errors.md), "accepted" if it was not. The topics not-ours,
// other-version and damaged have files that say so; spoiled.one is as not-ours.
//
//	answer
//
// Serves the name "asked", one request at a time; opens its inbox; subscribes to the topic
// "questions"; prints "ready ADDRESS", its own. When its standard input ends it stops the
// service and ends. What it does with a request the first byte says:
//
//	f          answers with the error 7, "no"
//	n          ends without an answer
//	l          answers with 4096 bytes, which do not fit
//	s and N    sends 0 to N-1 in decimal as answers with more to come, and "end" as the last
//	w          prints "waiting", waits until the request is given up or its time is over, prints "given up", and ends with that
//	h          answers "holding" with more to come, and stays until it is killed (30 s at most)
//	any other  answers with the same bytes; so for an empty request
//
// A request in the inbox is answered with the same bytes, "error" with the error 3, "away"; other mail is
// read and passed over. A survey is answered with "here".
//
//	ask ADDRESS
//
// Does the following, ADDRESS being that of answer, and prints a line for each: its name, and "ok" or the word for
// its error (doc/errors.md; "reply CODE TEXT" for a handler's own). A request has 30 s but where it says otherwise.
//
//	empty, small, slot   asks with 0, 10 and 2048 bytes, the first an e: the same come back
//	too-large            2049 bytes
//	error, no-reply, reply-too-large   asks with f, n, l
//	no-service           asks the name "nobody"
//	deadline             asks with w, and 50 ms
//	cancel               asks with w without waiting, and gives it up after 20 ms
//	stream               asks with s100 and takes all in order
//	stream-left          asks with s1000, takes 5 and leaves
//	many                 300 requests e0 to e299, begun without waiting for answers; where no more may be open, waits for one
//	send                 sends "mail" to ADDRESS
//	request-to, error-from   asks ADDRESS with "question", and with "error"
//	gone                 sends to ADDRESS with the generation one higher
//	no-inbox             sends to its own address, without an inbox
//	node-down            sends to ADDRESS with the node one higher
//	survey               asks on "questions": one answer, "here", from ADDRESS
//	presence             begins to watch instances of "asked": ADDRESS is up
//	overloaded           asks with h for many answers; when "holding" has come it sends e to the service, without
//	                     waiting for answers, until that is refused. The framework kills the server when it reads this line
//	instance-died        how the request h ended
//	presence-died        the next event of the watch: ADDRESS is down (died, or left where another has freed its record before)
//	after-death          asks with e
//
//	drop
//
// Asks with w without waiting for the answer, and stays until it is killed (30 s at most).
//
//	ask-again ADDRESS
//
// Waits until ADDRESS, on another node, is known to serve, asks the service with w, idempotently, and prints "again" and the word
// for how that ended.
//
//	ask-away ADDRESS
//
// Does what ask does, of an answer on another node, which may not be known yet. First of all it waits for that: "known"
// is ok when a watch has told that ADDRESS serves "asked" and subscribes to "questions", and that topic has a
// subscriber. "gone" asks instead of sending, since a sender learns nothing of another node. There is no overloaded: "holding" is ok
// when the answer has come, and the framework kills the server when it reads that line.
//
//	watch
//
// Prints "ready", and watches nodes, publishers, subscribers and instances: a line each, "up KIND NAME ADDRESS" or "down KIND NAME
// ADDRESS REASON", a reason of two words with a hyphen ("node-left"); until it is killed (30 s at most).
//
//	subscribers TOPIC
//
// Prints how many subscribe to it, as wait-for-subscribers counts, and ends.
//
// A peer whose language has no queue groups lacks member and hold (languages.go: groups); one
// without requests answer, ask and drop (requests); one that can't show other nodes the last three (nodes).
//
// # Messages
//
// There is one writer, so the n-th message has sequence n, from 1 on. WHAT is all, whole or
// half: what fits half of four slots. Message n is, by n mod 8:
//
//	0  empty
//	1  1 byte
//	2  63 bytes
//	3  256 bytes: as large as a slot
//	4  257 bytes: two fragments. WHAT whole: 256 bytes
//	5  800 bytes: four fragments. WHAT whole or half: 255 bytes
//	6  an Order, as a FlatBuffer
//	7  17 bytes
//
// Readers aren't told WHAT: of 4 and 5 either size is right. Byte i of those that are
// bytes is (n*31 + i*7) mod 256. Their content is raw.
//
// The Order is that of examples/schema/order.fbs: number is n; customer "c" and n in
// decimal ("c14"); one line, of item "tea", quantity n mod 7 + 1, and n*100 cents. It is
// built in a claimed slot, its content is FlatBuffer, and its schema the
// publisher's. It is read where it lies, through accessors of generated code where the language has
// them; any encoding that FlatBuffers allows is right.
//
// Of the others every third (n mod 3 = 0) that fits a slot is written in a claimed slot, the rest
// are published from memory. A commit that finds its claim taken (FENCED) has sent nothing, and
// the message is published again.
//
// # Cells
//
// Each cell is a writer's language, a reader's, and a kind:
//
//	reliable   the reader first, which makes the default ring, then a writer that replaces it
//	           by its own; 3000 messages wrap around some 60 times. All of them come.
//	latest     the same on a topic of mode latest: gaps are allowed, each must be told
//	few        like reliable, 400 messages around four slots, the fewest that a ring has
//	live       a latest reader on a reliable topic: the same
//	killed     like reliable, but before it another writer is killed with SIGKILL in its claim
//	group      two members, one of either language: each message comes to one, once
//	abandoned  a member of the reader's language is killed with a message in hand; one of
//	           the writer's language that joins then is told of it, once, and gets the rest
//
// on shared and on exclusive rings. Rows "golden to" have no writer: the reader reads the
// history of rings whose files were written once and are kept in testdata, in few of rings of 4 and 8 slots, in their second lap. Rows "structs" have
// the golden images of single structs (package golden): a peer that knows those of segments only
// (languages.go: segmentsOnly) may leave out those of packets. Rows "refuses" have one language:
// what it refuses, and why. Rows "asks" have a client's language and a server's, which run all of
// ask in one domain, and client-killed: drop is killed when the server has its request, who prints "given up". Rows "away"
// have the server on another node: two directories, with a forwarder each, on loopback; in asks-again the node of the server says
// goodbye while the request is in hand, so it goes to another one, and nobody is left when that is killed. Rows "other-nodes" have one language,
// and directories of other nodes that the framework writes in the place of a forwarder.
package main
