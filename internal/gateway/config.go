package gateway

import (
	"io"
	"math"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/shm"
)

// A Config says what a gateway lets its clients do. The zero value, like nil, has the
// defaults. It is copied.
type Config struct {
	// Bus is the domain to join. InFlight and InboxSlotSize follow from the fields below.
	Bus ringcast.Config
	// Timeout is how long a request may take that does not say it. Zero means 5 s; less
	// means no limit but MaxTimeout.
	Timeout time.Duration
	// InFlight is how many requests and publishes may be open at once; more are refused with
	// 503. Zero means 384; at most 4096.
	InFlight int
	// MaxBody is how many bytes the body of a request may have. Zero means 1 MiB; at most 16 MiB.
	MaxBody int64
	// MaxReply is how many bytes a reply of a service may have. The node's shared memory
	// holds a place of that size for each request in flight. Zero means 32 KiB; at most 16 MiB.
	MaxReply int
	// MaxConnections is how many connections there may be; more wait to be accepted. Zero
	// means 4096.
	MaxConnections int
	// MaxStreams is how many clients may read topics at once; more are refused with 503. Zero
	// means 256.
	MaxStreams int
	// MaxTopics is how many topics may be held open for publishing; those that nobody
	// publishes to for a minute are let go. Zero means 64.
	MaxTopics int
	// QueueBytes is how many bytes may wait for one reader of a topic before it misses
	// messages. Zero means 1 MiB.
	QueueBytes int
	// HeaderTime is how long a client may take for the header of a request, BodyTime for its
	// body. Zero means 5 s, and 30 s.
	HeaderTime, BodyTime time.Duration
	// WriteTime is how long one write to a client may stand still before the connection is
	// closed. Zero means 30 s.
	WriteTime time.Duration
	// Tokens are the bearer tokens that are let in. Empty lets everybody in.
	Tokens []string
	// Origins are the web origins, such as https://example.org, whose pages may use the
	// gateway; "*" is any. Empty means its own page alone.
	Origins []string
	// Local says that only this host reaches the gateway: then a request for a name that is
	// not this host's is refused, by which the pages of others are kept out.
	Local bool
	// Schemas is a folder of binary schemas (.bfbs), of FlatBuffers that go as JSON to and from
	// clients: each is named for its topic or service. Empty means none. They are read by Open.
	Schemas string
	// Log gets a line for each request. Nil means none.
	Log io.Writer
}

// Limits that have no flag.
const (
	// maxTimeout is the longest that a request of a bus may take.
	maxTimeout = 30 * time.Minute
	// maxHeader bounds the header of a request: the arguments of a GET are in it.
	maxHeader = 64 << 10
	// maxPayload is the largest message that there is.
	maxPayload = 16 << 20
	// idleTime is how long a connection may be kept that asks for nothing.
	idleTime = time.Minute
	// publisherIdle is how long a topic is held open for publishing without use.
	publisherIdle = time.Minute
	// maxNames bounds the services that a gateway remembers (services.go).
	maxNames = 1024
)

// complete returns the configuration with its defaults, checked.
func (c *Config) complete() (Config, error) {
	var out Config
	if c != nil {
		out = *c
	}
	byDefault(&out.Timeout, 5*time.Second)
	byDefault(&out.InFlight, 384)
	byDefault(&out.MaxBody, 1<<20)
	byDefault(&out.MaxReply, 32<<10)
	byDefault(&out.MaxConnections, 4096)
	byDefault(&out.MaxStreams, 256)
	byDefault(&out.MaxTopics, 64)
	byDefault(&out.QueueBytes, 1<<20)
	byDefault(&out.HeaderTime, 5*time.Second)
	byDefault(&out.BodyTime, 30*time.Second)
	byDefault(&out.WriteTime, 30*time.Second)
	if out.Timeout < 0 || out.Timeout > maxTimeout {
		out.Timeout = maxTimeout
	}
	for _, v := range []struct {
		name      string
		value     int64
		most      int64
		plainUnit string
	}{
		{"in-flight", int64(out.InFlight), 4096, "requests"},
		{"max-body", out.MaxBody, maxPayload, "bytes"},
		{"max-reply", int64(out.MaxReply), maxPayload, "bytes"},
		{"max-connections", int64(out.MaxConnections), math.MaxInt32, "connections"},
		{"max-streams", int64(out.MaxStreams), math.MaxInt32, "clients"},
		{"max-topics", int64(out.MaxTopics), math.MaxInt32, "topics"},
		{"queue-bytes", int64(out.QueueBytes), math.MaxInt32, "bytes"},
	} {
		if v.value < 1 || v.value > v.most {
			return out, shm.Invalid("%s %d: want 1 to %d %s", v.name, v.value, v.most, v.plainUnit)
		}
	}
	out.Bus.InFlight, out.Bus.InboxSlotSize = out.InFlight, out.MaxReply
	return out, nil
}

// byDefault fills in a field that is zero.
func byDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
