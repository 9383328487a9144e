package simnet

import (
	"flag"
	"os"
	"strconv"
	"testing"

	"math/rand/v2"

	"github.com/ringcast/ringcast/mcast"
)

var (
	seedFlag    = flag.Uint64("seed", 0, "run this seed only")
	seedsFlag   = flag.Int("seeds", 500, "number of seeds")
	chaosFlag   = flag.Int("chaos", 0, "number of seeds of each chaos test; 0: a few")
	fromFlag    = flag.Uint64("from", 1, "first seed of each chaos test")
	forgeFlag   = flag.Int("forge", 6, "number of seeds of TestForgedFrames")
	verboseFlag = flag.Bool("events", false, "print what the actors of a chaos test do")
)

// options makes a run of its seed: 2 to 4 nodes, loss 0-20 %, reordering,
// duplication, windows so small that they fill.
func options(seed uint64) Options {
	r := rand.New(rand.NewPCG(seed, 99))
	o := Options{Seed: seed, Nodes: 2 + r.IntN(3), Topics: 1 + r.IntN(2), Producers: 1 + r.IntN(3), Messages: 150 + r.IntN(250)}
	o.Loss = []float64{0, 0.001, 0.01, 0.05, 0.1, 0.2}[r.IntN(6)]
	o.BurstMean = []float64{1, 1, 3}[r.IntN(3)]
	o.Duplicate = []float64{0, 0.01, 0.1}[r.IntN(3)]
	o.Reorder = []float64{0, 0.01, 0.1}[r.IntN(3)]
	o.Jitter = mcast.Duration(r.IntN(200)+1) * mcast.Microsecond
	o.Delay = mcast.Duration(30+r.IntN(500)) * mcast.Microsecond
	o.Replay = []float64{0, 0.002}[r.IntN(2)]
	o.Large = []float64{0, 0.02, 0.1}[r.IntN(3)]
	o.Interval = mcast.Duration(20+r.IntN(400)) * mcast.Microsecond
	o.Config.MTU = []int{0, 576, 1408}[r.IntN(3)]
	mtu := max(o.Config.MTU, mcast.MTUMin)
	if o.Config.MTU == 0 {
		mtu = mcast.MTUDefault
	}
	// Windows so small stand still for every loss.
	o.Config.Timers.LaneStall, o.Config.Timers.Silence = 500*mcast.Millisecond, 500*mcast.Millisecond
	o.Config.Window = mtu * []int{64, 200, 2000}[r.IntN(3)]
	o.Config.Compression = []mcast.Compression{mcast.CompressPaced, mcast.CompressAlways, mcast.CompressNever}[r.IntN(3)]
	o.Text = r.IntN(2) == 0
	if r.IntN(4) == 0 {
		o.Config.Rate = 2000 + float64(r.IntN(20000))
	}
	if r.IntN(3) == 0 {
		o.Config.ReceiveBuffer = 2 * (mtu + 1024) * (16 + r.IntN(200))
	}
	return o
}

// runSeed joins, publishes and waits until everything has arrived.
func runSeed(o Options) *Network {
	n := New(o)
	n.Run(5*mcast.Second, n.AllJoined)
	if !n.AllJoined() {
		n.violate("progress", "the nodes did not join")
		return n
	}
	n.prompt = newPromptness()
	for _, x := range n.Nodes {
		x.Publish()
	}
	n.Run(60*mcast.Second, n.AllTaken)
	n.CheckProgress()
	n.CheckNaks(naksPerLoss)
	return n
}

// naksPerLoss bounds the NAKs for each lost datagram: each of its receivers asks
// in turn until the repair comes, and one NAK names all holes.
const naksPerLoss = 3

func seeds(t *testing.T) (from, to uint64) {
	if *seedFlag != 0 {
		return *seedFlag, *seedFlag + 1
	}
	if s := os.Getenv("RINGCAST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("RINGCAST_SEED: %v", err)
		}
		return n, n + 1
	}
	return 1, 1 + uint64(few(*seedsFlag, 10))
}

// few is the smaller form of a test under -short, which the race detector makes
// ten times as slow.
func few(n, short int) int {
	if testing.Short() {
		return short
	}
	return n
}

// Every message once, in order, with its bytes, whatever the network does.
func TestSeeds(t *testing.T) {
	from, to := seeds(t)
	var total Counts
	var messages, naks, repairs uint64
	for seed := from; seed < to; seed++ {
		n := runSeed(options(seed))
		if err := n.Err(); err != nil {
			t.Fatalf("seed %d: %v\nrerun: go test ./mcast/simnet -run 'TestSeeds$' -seed %d", seed, err, seed)
		}
		total.Sent += n.Counts.Sent
		total.Lost += n.Counts.Lost
		total.Duplicated += n.Counts.Duplicated
		total.Reordered += n.Counts.Reordered
		total.Replayed += n.Counts.Replayed
		for _, x := range n.Nodes {
			messages += x.Taken
			naks += x.naks
			repairs += x.engine.Counters().RepairsSent
		}
	}
	t.Logf("%d seeds: %d messages delivered, %d NAKs, %d repairs; datagrams: %+v", to-from, messages, naks, repairs, total)
}

// The same seed gives the same trace.
func TestReplay(t *testing.T) {
	for seed := uint64(1); seed <= uint64(few(20, 2)); seed++ {
		a, b := runSeed(options(seed)), runSeed(options(seed))
		if a.Trace() != b.Trace() {
			t.Errorf("seed %d: traces %x and %x differ", seed, a.Trace(), b.Trace())
		}
	}
}
