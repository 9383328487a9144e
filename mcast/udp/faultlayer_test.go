//go:build linux

package udp

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// through sends n numbered datagrams through a layer, in batches of ten a
// microsecond apart, then waits until nothing is held. It returns the numbers that came out.
func through(t *testing.T, cfg FaultConfig, n int) ([]int, *FaultCounters) {
	t.Helper()
	counters := new(FaultCounters)
	f := newFaultLayer(&cfg, SideReceive, counters)
	if f == nil {
		t.Fatalf("no layer for %q", cfg)
	}
	var out []int
	take := func() {
		for _, d := range f.out {
			if i := int(binary.BigEndian.Uint32(d.Bytes)); len(d.Bytes) != 4+i%50 {
				t.Fatalf("datagram %d has %d bytes", i, len(d.Bytes))
			} else {
				out = append(out, i)
			}
		}
	}
	now := int64(0)
	buf := make([]byte, 64)
	for i := 0; i < n; now += 1000 {
		f.begin()
		for range 10 {
			d := slices.Clone(buf[:4+i%50])
			binary.BigEndian.PutUint32(d, uint32(i))
			f.push(Datagram{Bytes: d}, now)
			i++
		}
		f.expire(now)
		take()
	}
	for f.next.Load() != forever {
		f.begin()
		f.expire(f.next.Load())
		take()
	}
	if f.bytes != 0 || len(f.held) != 0 || f.lineHead != len(f.line) {
		t.Errorf("%d bytes, %d held, %d delayed are left", f.bytes, len(f.held), len(f.line)-f.lineHead)
	}
	return out, counters
}

// near fails unless got lies within 5 standard deviations of n draws of p. The
// seeds are fixed, so it never fails by chance.
func near(t *testing.T, what string, got uint64, n int, p, spread float64) {
	t.Helper()
	mean := float64(n) * p
	if d := math.Abs(float64(got) - mean); d > 5*math.Sqrt(mean*(1-p)*spread)+1 {
		t.Errorf("%s: %d of %d, want about %.0f", what, got, n, mean)
	}
}

func TestLossIsTheShareAskedFor(t *testing.T) {
	const n = 100000
	for _, burst := range []int{1, 4, 50} {
		for _, loss := range []float64{0.001, 0.01, 0.2, 0.9, 1} {
			out, c := through(t, FaultConfig{Loss: loss, Burst: burst, Seed: 7}, n)
			near(t, fmt.Sprintf("loss %v in bursts of %d", loss, burst), c.Dropped.Load(), n, loss, float64(burst))
			if len(out)+int(c.Dropped.Load()) != n {
				t.Errorf("%d came out and %d were dropped of %d", len(out), c.Dropped.Load(), n)
			}
			if !slices.IsSorted(out) {
				t.Error("loss alone changed the order")
			}
		}
	}
}

func TestLossComesInBursts(t *testing.T) {
	out, _ := through(t, FaultConfig{Loss: 0.05, Burst: 4, Seed: 7}, 20000)
	holes := 0
	for i := 1; i < len(out); i++ {
		if gap := out[i] - out[i-1] - 1; gap > 0 {
			holes++
			if gap%4 != 0 { // two bursts may touch
				t.Fatalf("a hole of %d after %d", gap, out[i-1])
			}
		}
	}
	if holes < 150 {
		t.Errorf("%d holes", holes)
	}
}

func TestDuplicatesFollowTheirOriginal(t *testing.T) {
	const n = 100000
	out, c := through(t, FaultConfig{Duplicate: 0.01, Seed: 7}, n)
	near(t, "duplicates", c.Duplicated.Load(), n, 0.01, 1)
	if len(out) != n+int(c.Duplicated.Load()) || !slices.IsSorted(out) || len(slices.Compact(out)) != n {
		t.Errorf("%d came out", len(out))
	}
}

func TestReorderedAreOvertakenByOneToThree(t *testing.T) {
	const n = 100000
	out, c := through(t, FaultConfig{Reorder: 0.01, Seed: 7}, n)
	near(t, "reordered", c.Reordered.Load(), n, 0.01, 1)
	if len(out) != n {
		t.Fatalf("%d came out of %d", len(out), n)
	}
	by := map[int]int{}
	for at, i := range out {
		if at > i {
			by[at-i]++
		}
	}
	// A few wait for one another, and then are overtaken by one more.
	if len(by) < 3 || by[1] < 200 || by[2] < 200 || by[3] < 200 || by[1]+by[2]+by[3] < int(c.Reordered.Load())*95/100 {
		t.Errorf("positions lost: %v", by)
	}
	slices.Sort(out)
	if out[0] != 0 || out[n-1] != n-1 || len(slices.Compact(out)) != n {
		t.Error("some are missing or double")
	}
}

func TestTheLastIsNotHeldForEver(t *testing.T) {
	out, c := through(t, FaultConfig{Reorder: 1, Seed: 7}, 100)
	if len(out) != 100 || c.Reordered.Load() != 0 {
		t.Errorf("%d came out; %d are said to be reordered although none passed", len(out), c.Reordered.Load())
	}
}

func TestDelayKeepsTheOrderAndTheTime(t *testing.T) {
	c := new(FaultCounters)
	f := newFaultLayer(&FaultConfig{Delay: time.Millisecond}, SideReceive, c)
	for i := range 5 {
		f.begin()
		f.push(Datagram{Bytes: []byte{byte(i)}}, int64(i)*100)
		f.expire(int64(i) * 100)
		if len(f.out) != 0 {
			t.Fatalf("datagram %d wasn't delayed", i)
		}
	}
	for i := range 5 {
		if due := f.next.Load(); due != int64(i)*100+int64(time.Millisecond) {
			t.Fatalf("datagram %d is due at %d", i, due)
		}
		f.begin()
		f.expire(f.next.Load())
		if len(f.out) != 1 || f.out[0].Bytes[0] != byte(i) {
			t.Fatalf("at its time %v came", f.out)
		}
	}
	if f.next.Load() != forever || c.Delayed.Load() != 5 {
		t.Errorf("next %d, %d delayed", f.next.Load(), c.Delayed.Load())
	}
}

func TestAllFaultsTogetherLoseNothingElse(t *testing.T) {
	const n = 50000
	out, c := through(t, FaultConfig{Loss: 0.05, Burst: 3, Duplicate: 0.05, Reorder: 0.2, Delay: 20 * time.Microsecond, Seed: 9}, n)
	if want := n - int(c.Dropped.Load()) + int(c.Duplicated.Load()); len(out) != want {
		t.Errorf("%d came out, want %d", len(out), want)
	}
}

func TestTheSameSeedDoesTheSame(t *testing.T) {
	cfg := FaultConfig{Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, Seed: 7}
	first, _ := through(t, cfg, 5000)
	if again, _ := through(t, cfg, 5000); !slices.Equal(first, again) {
		t.Error("two runs of one seed differ")
	}
	cfg.Seed = 8
	if other, _ := through(t, cfg, 5000); slices.Equal(first, other) {
		t.Error("two seeds do the same")
	}
}

// What is lost doesn't change when other faults come or go: a failing run can
// be narrowed down.
func TestFaultsAreIndependent(t *testing.T) {
	lost := func(cfg FaultConfig) []int {
		out, _ := through(t, cfg, 5000)
		there := make([]bool, 5000)
		for _, i := range out {
			there[i] = true
		}
		var missing []int
		for i, ok := range there {
			if !ok {
				missing = append(missing, i)
			}
		}
		return missing
	}
	alone := lost(FaultConfig{Loss: 0.1, Seed: 7})
	if with := lost(FaultConfig{Loss: 0.1, Duplicate: 0.3, Reorder: 0.3, Delay: time.Microsecond, Seed: 7}); !slices.Equal(alone, with) {
		t.Error("other faults changed what is lost")
	}
}

func TestSidesAreSeparate(t *testing.T) {
	for _, c := range []struct {
		side   Side
		rx, tx bool
	}{{SideReceive, true, false}, {SideSend, false, true}, {SideBoth, true, true}} {
		cfg := FaultConfig{Loss: 0.5, Side: c.side}
		rx := newFaultLayer(&cfg, SideReceive, new(FaultCounters)) != nil
		tx := newFaultLayer(&cfg, SideSend, new(FaultCounters)) != nil
		if rx != c.rx || tx != c.tx {
			t.Errorf("side %v: rx %v, tx %v", c.side, rx, tx)
		}
	}
	if newFaultLayer(&FaultConfig{Seed: 7}, SideReceive, nil) != nil {
		t.Error("there is a layer with nothing to do")
	}
}

func TestTheLayerHoldsOnlySoMuch(t *testing.T) {
	c := new(FaultCounters)
	f := newFaultLayer(&FaultConfig{Delay: time.Second}, SideReceive, c)
	big := make([]byte, 60000)
	const n = maxHeldBytes/60000 + 10
	for range n {
		f.push(Datagram{Bytes: big}, 0)
	}
	if over := c.Overflowed.Load(); over != n-maxHeldBytes/60000 {
		t.Errorf("%d of %d overflowed", over, n)
	}
	f.begin()
	f.expire(int64(time.Second))
	if len(f.out) != maxHeldBytes/60000 {
		t.Errorf("%d came out", len(f.out))
	}
}

// The layer in its place, on real sockets, on each side.
func TestFaultsOnTheWire(t *testing.T) {
	for _, side := range []Side{SideReceive, SideSend} {
		for _, seg := range []Segmentation{SegmentationAuto, SegmentationOff} {
			t.Run(fmt.Sprintf("%v/%d", side, seg), func(t *testing.T) { faultsOnTheWire(t, side, seg) })
		}
	}
}

func faultsOnTheWire(t *testing.T, side Side, seg Segmentation) {
	cfg := loopbackConfig()
	cfg.Segmentation = seg
	bad := cfg
	bad.Fault = FaultConfig{Loss: 0.2, Duplicate: 0.1, Reorder: 0.1, Delay: 2 * time.Millisecond, Seed: 7, Side: side}
	a, b := open(t, bad), open(t, cfg)
	faults := &a.Counters().FaultSend
	if side == SideReceive {
		a, b = b, a
		faults = &b.Counters().FaultReceive
	}
	stop := keepReading(a) // its side of the faults lets go of what is due
	defer stop()
	const n = 300
	sent := numbered(n, 200)
	for i := 0; i < n; i += 50 {
		if k, err := a.WriteMulticast(sent[i : i+50]); k != 50 || err != nil {
			t.Fatal(k, err)
		}
	}
	seen := map[string]int{}
	batch := b.NewBatch()
	for quiet := 0; quiet < 3; {
		k, err := b.ReadBatch(batch, 50*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if k == 0 {
			quiet++
		}
		for _, d := range batch.Datagrams() {
			seen[string(d.Bytes)]++
		}
	}
	total := 0
	for _, k := range seen {
		total += k
	}
	dropped, doubled := int(faults.Dropped.Load()), int(faults.Duplicated.Load())
	if dropped < 30 || doubled < 10 || faults.Delayed.Load() == 0 {
		t.Errorf("dropped %d, doubled %d, delayed %d of %d", dropped, doubled, faults.Delayed.Load(), n)
	}
	if len(seen) != n-dropped || total != n-dropped+doubled {
		t.Errorf("%d different, %d in all; dropped %d, doubled %d of %d", len(seen), total, dropped, doubled, n)
	}
}

// keepReading reads from c in another goroutine until the returned function is
// called; Close then is left to the test.
func keepReading(c *Conn) (stop func()) {
	done := make(chan struct{})
	quit := make(chan struct{})
	go func() {
		defer close(done)
		for b := c.NewBatch(); ; {
			select {
			case <-quit:
				return
			default:
			}
			if _, err := c.ReadBatch(b, -1); err != nil {
				return
			}
		}
	}()
	return func() {
		close(quit)
		c.Wake()
		<-done
	}
}

func TestOwnDatagramsMeetNoFaults(t *testing.T) {
	cfg := loopbackConfig()
	cfg.Fault = FaultConfig{Loss: 1}
	c := open(t, cfg)
	c.WriteMulticast(numbered(10, 100))
	b := c.NewBatch()
	for n := 0; n < 10; {
		k, err := c.ReadBatch(b, patience)
		if k == 0 || err != nil {
			t.Fatalf("%d after %d, %v", k, n, err)
		}
		n += k
	}
	if n := c.Counters().FaultReceive.Dropped.Load(); n != 0 {
		t.Errorf("%d counted as dropped", n)
	}
}

func TestCountersHaveStableLabels(t *testing.T) {
	all := new(Counters).All()
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.Label] || c.Unit == "" || c.Help == "" || c.Value != 0 {
			t.Errorf("%+v", c)
		}
		seen[c.Label] = true
	}
	if len(all) != 26 || !seen["udp.kernel_drops"] || !seen["udp.fault_tx_dropped"] {
		t.Errorf("%d counters", len(all))
	}
}

// TestDroppedIsTold checks that whoever asks sees each datagram that the layer loses.
func TestDroppedIsTold(t *testing.T) {
	c := new(FaultCounters)
	f := newFaultLayer(&FaultConfig{Loss: 0.25, Seed: 3}, SideReceive, c)
	told := map[byte]bool{}
	f.dropped = func(datagram []byte) { told[datagram[0]] = true }
	passed := 0
	for i := range 200 {
		f.begin()
		f.push(Datagram{Bytes: []byte{byte(i)}}, int64(i))
		passed += len(f.out)
		if len(f.out) > 0 && told[byte(i)] {
			t.Errorf("datagram %d was told as lost and came through", i)
		}
	}
	if lost := int(c.Dropped.Load()); lost == 0 || lost != len(told) || lost+passed != 200 {
		t.Errorf("lost %d, told %d, passed %d of 200", lost, len(told), passed)
	}
}
