package nodes

import (
	"path/filepath"

	"github.com/ringcast/ringcast/internal/netlab"
)

// aeronProgram is the driver in C.
const aeronProgram = ".tools/aeron/build/binaries/aeronmd"

func aeronDriver(*netlab.Node, bool) []string { return []string{aeronProgram} }

// aeronSettings are the driver's. One thread (SHARED): three drivers, three clients and two
// cores leave no room for more. Terms of 16 MB, so that a window of 4 MB fits, which is
// what the socket's buffer holds at most; larger ones were not faster. Flow control is
// said by the channel (peers/aeron/c/net.c): "min" waits for the slowest receiver, and its group
// size for all of them to be there: the default (max) leaves a slower one behind. The group of
// NAKs has two members. Everything else is its default, the back-off of NAKs of 10 ms included.
func aeronSettings(n *netlab.Node) []string {
	return []string{
		"AERON_DIR=" + filepath.Join(n.Dir, "aeron"), "AERON_DIR_DELETE_ON_START=1",
		"AERON_THREADING_MODE=SHARED", "AERON_MTU_LENGTH=1408",
		"AERON_TERM_BUFFER_LENGTH=16777216", "AERON_TERM_BUFFER_SPARSE_FILE=false",
		"AERON_SOCKET_SO_RCVBUF=4194304", "AERON_SOCKET_SO_SNDBUF=4194304", "AERON_RCV_INITIAL_WINDOW_LENGTH=4194304",
		"AERON_NAK_MULTICAST_GROUP_SIZE=2",
	}
}

// aeronSoonNak asks for what is missing a hundred times as soon as Aeron's default does:
// better under loss, more traffic where many nodes lose the same datagram.
func aeronSoonNak(n *netlab.Node) []string {
	return append(aeronSettings(n), "AERON_NAK_MULTICAST_MAX_BACKOFF=100us")
}
