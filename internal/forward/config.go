package forward

import (
	"fmt"
	"os"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/shm"
)

// Limits of the forwarder.
const (
	// parkMax bounds what is parked for one topic whose ring is full, in bytes:
	// half a second at 128 MB/s.
	parkMax = 64 << 20
	// parkTotalMax bounds it for all topics together.
	parkTotalMax = 256 << 20
	// parkHigh is where the topic's owner is asked to stop, parkLow where it may go on.
	parkHigh = 4 << 20
	parkLow  = 1 << 20
	// pumpBatch is how many messages of one topic go to the engine before the
	// other topics have their turn.
	pumpBatch = 128
	// pumpLease is how many messages a ring lends at once.
	pumpLease = 64
)

// ErrConfig is wrapped by New where the protocol cannot work with the settings.
var ErrConfig = mcast.ErrConfig

// A Config says which domain to forward and over which network. The zero value of
// every field is its default. New copies it.
type Config struct {
	// Domain is where the rings are.
	Domain shm.Config
	// Net is the group, the interface and the fault layer. Its domain is Domain's.
	Net udp.Config
	// Compression says when datagrams are compressed.
	Compression mcast.Compression
	// Window is how many bytes of sent datagrams stay repairable. Zero means 32 MiB.
	Window int
	// Rate is the most datagrams sent in a second. Zero means mcast's default.
	Rate float64
	// DropNAK is a fault: every NAK of this node is thrown away below the protocol.
	DropNAK bool
	// Version is shown to other nodes.
	Version string
	// Log takes one line of what happened. Nil means nothing is said.
	Log func(format string, args ...any)
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = func(string, ...any) {}
	}
	if c.Domain.Domain == "" {
		c.Domain.Domain = "default"
	}
	c.Net.Domain = c.Domain.Domain
	return c
}

// ParseCompression reads "paced", "always" or "never".
func ParseCompression(text string) (mcast.Compression, error) {
	switch text {
	case "paced":
		return mcast.CompressPaced, nil
	case "always":
		return mcast.CompressAlways, nil
	case "never":
		return mcast.CompressNever, nil
	}
	return 0, fmt.Errorf("compression %q: want paced, always or never", text)
}

// hostname is shown to other nodes; empty if the system has none.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
