package ring

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/shm"
)

// The benchmarks write every byte of every payload and read every byte of it, in
// two processes, each pinned to a core of its own. Each reports the round trip of
// a bare cache line between the two cores just before and after it (line-ns):
// figures of different round trips are figures of different machines.

// BenchmarkStream measures one producer and one reader at full speed.
func BenchmarkStream(b *testing.B) {
	for _, kind := range bothKinds {
		for _, size := range []int{64, 256, 1024, 2048} {
			b.Run(fmt.Sprintf("%v/%d", kind, size), func(b *testing.B) {
				benchStream(b, benchJob{kind: kind, size: size, policy: Spin, op: "read"})
			})
		}
	}
}

// BenchmarkPingPong measures round trips over two rings, spinning.
func BenchmarkPingPong(b *testing.B) {
	for _, kind := range bothKinds {
		for _, size := range []int{64, 256, 2048} {
			b.Run(fmt.Sprintf("%v/%d", kind, size), func(b *testing.B) {
				benchPingPong(b, benchJob{kind: kind, size: size, policy: Spin, op: "echo"}, 0)
			})
		}
	}
}

// BenchmarkDefaultWait measures round trips with the default wait: one after the
// other, and each after a pause in which both sides fall asleep.
func BenchmarkDefaultWait(b *testing.B) {
	for name, pause := range map[string]time.Duration{"traffic": 0, "after-pause": 2 * time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			benchPingPong(b, benchJob{kind: Exclusive, size: 64, policy: Block, op: "echo"}, pause)
		})
	}
}

// BenchmarkCrowd measures three producers and three readers on two cores, each a
// process, none pinned: messages read a second, summed over the readers.
func BenchmarkCrowd(b *testing.B) {
	base := benchDir(b)
	j := benchJob{kind: Shared, size: 64, policy: Yield, op: "read", n: b.N * 3}
	w := openBench(b, base, "parent", j)
	var children []*benchChild
	for range 3 {
		children = append(children, startBench(b, base, j))
	}
	j.op, j.n = "write", b.N
	for range 3 {
		children = append(children, startBench(b, base, j))
	}
	b.ResetTimer()
	for _, c := range children {
		c.begin()
	}
	for _, c := range children {
		c.wait()
	}
	b.ReportMetric(9*float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
	w.close()
}

// A benchJob is what a child does, and with which rings.
type benchJob struct {
	kind   Kind
	size   int
	policy Policy
	op     string // read, echo or write
	n      int
	core   int // to be pinned to; -1: none
}

func (j benchJob) String() string {
	return fmt.Sprint(uint8(j.kind), j.size, uint8(j.policy), " ", j.op, " ", j.n, " ", j.core)
}

func parseJob(s string) (j benchJob, err error) {
	var kind, policy uint8
	_, err = fmt.Sscan(s, &kind, &j.size, &policy, &j.op, &j.n, &j.core)
	j.kind, j.policy = Kind(kind), Policy(policy)
	return j, err
}

func (j benchJob) shape() Shape {
	return Shape{Slots: 1024, Payload: j.size, Kind: j.kind, StallBudget: time.Minute}
}

// A benchSide is one process's part: a participant with two rings.
type benchSide struct {
	tb          testing.TB
	self        *shm.Participant
	there, back *File
	waiter      *Waiter
}

const benchEnv = "RINGCAST_RING_TEST_BENCH"

func benchDir(tb testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-bench-")
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func openSide(base, name string, j benchJob) (*benchSide, error) {
	d, err := shm.OpenDomain(&shm.Config{Base: base, Domain: "bench"})
	if err != nil {
		return nil, err
	}
	self, err := d.Join(shm.Info{Name: name})
	if err != nil {
		return nil, err
	}
	s := &benchSide{self: self, waiter: NewWaiter(self.Doorbell(), j.policy)}
	for name, f := range map[string]**File{"there": &s.there, "back": &s.back} {
		*f, err = OpenFile(filepath.Join(d.Dir(), "topics", name), NewHost(self), FileOptions{Shape: j.shape(), Write: true})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func openBench(tb testing.TB, base, name string, j benchJob) *benchSide {
	tb.Helper()
	s, err := openSide(base, name, j)
	if err != nil {
		tb.Fatal(err)
	}
	s.tb = tb
	return s
}

func (s *benchSide) close() {
	for _, f := range []*File{s.there, s.back} {
		if err := f.Close(); err != nil {
			s.tb.Fatal(err)
		}
	}
}

// benchChildMain is the child: it does its job when told to.
func benchChildMain() error {
	j, err := parseJob(os.Getenv(benchEnv))
	if err != nil {
		return err
	}
	pinTo(j.core)
	s, err := openSide(os.Getenv(childBase), j.op, j)
	if err != nil {
		return err
	}
	var rd *Reader
	var p *Producer
	if j.op != "write" {
		if rd, err = s.there.Join(JoinOptions{}); err != nil {
			return err
		}
	}
	switch j.op {
	case "echo":
		p, err = s.back.NewProducer(s.self.Address())
	case "write":
		p, err = s.there.NewProducer(s.self.Address())
	}
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	payload := make([]byte, j.size)
	var sum uint64
	switch j.op {
	case "read":
		sum, err = s.drain(rd, j.n)
	case "write":
		err = s.fill(p, j.n, payload)
	default:
		for range j.n {
			if sum, err = s.drain(rd, 1); err != nil {
				return err
			}
			if err = s.fill(p, 1, payload); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	if rd != nil {
		rd.Close()
	}
	fmt.Println("done", sum)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// drain reads n messages and all of their bytes.
func (s *benchSide) drain(rd *Reader, n int) (sum uint64, err error) {
	var m Message
	readers := []*Reader{rd}
	for range n {
		for {
			if err = rd.Next(&m); err == nil {
				break
			}
			if err != ErrEmpty {
				return sum, err
			}
			if err = s.waiter.Await(context.Background(), readers); err != nil {
				return sum, err
			}
		}
		sum += sumOf(m.Payload)
	}
	return sum, nil
}

// fill publishes n messages.
func (s *benchSide) fill(p *Producer, n int, payload []byte) error {
	var meta Meta
	for range n {
		for {
			err := p.TryPublish(payload, &meta)
			if err == nil {
				break
			}
			if err != ErrFull && err != ErrFenced {
				return err
			}
			if err := s.waiter.AwaitRoom(context.Background(), p, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// sumOf reads every byte, 32 at a time.
func sumOf(b []byte) uint64 {
	var w, x, y, z uint64
	for ; len(b) >= 32; b = b[32:] {
		w += le64(b[0:8])
		x += le64(b[8:16])
		y += le64(b[16:24])
		z += le64(b[24:32])
	}
	for _, c := range b {
		w += uint64(c)
	}
	return w + x + y + z
}

func le64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// A benchChild is a process at work.
type benchChild struct {
	tb  testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startBench(tb testing.TB, base string, j benchJob) *benchChild {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"=bench", childBase+"="+base, benchEnv+"="+j.String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	c := &benchChild{tb: tb, cmd: cmd, in: in, out: bufio.NewReader(out)}
	tb.Cleanup(func() { _ = cmd.Process.Kill() })
	c.expect("ready")
	return c
}

func (c *benchChild) expect(word string) {
	if line, err := c.out.ReadString('\n'); err != nil || !strings.HasPrefix(line, word) {
		c.tb.Fatalf("child said %q (%v), want %q", line, err, word)
	}
}

func (c *benchChild) begin() { _, _ = io.WriteString(c.in, "go\n") }

// wait waits for the end of its job, and of the process.
func (c *benchChild) wait() {
	c.expect("done")
	_ = c.in.Close()
	if err := c.cmd.Wait(); err != nil {
		c.tb.Fatal(err)
	}
}

func benchStream(b *testing.B, j benchJob) {
	base := benchDir(b)
	j.n, j.core = b.N, 1
	s := openBench(b, base, "parent", j)
	c := startBench(b, base, j)
	p, err := s.there.NewProducer(s.self.Address())
	if err != nil {
		b.Fatal(err)
	}
	restore := pinned()
	defer restore()
	before := lineRoundTrip()
	c.begin()
	time.Sleep(time.Millisecond)
	b.SetBytes(int64(j.size))
	b.ResetTimer()
	start := time.Now()
	if err := s.fill(p, b.N, make([]byte, j.size)); err != nil {
		b.Fatal(err)
	}
	for entryWord(s.there.entries[0].state.Load()).gates() { // until the reader has read all and left
		pause(100)
	}
	elapsed := time.Since(start)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/elapsed.Seconds()/1e6, "M/s")
	c.wait()
	reportLine(b, before)
	p.Close()
	s.close()
}

func benchPingPong(b *testing.B, j benchJob, rest time.Duration) {
	base := benchDir(b)
	j.n, j.core = b.N, 1
	s := openBench(b, base, "parent", j)
	rd, err := s.back.Join(JoinOptions{})
	if err != nil {
		b.Fatal(err)
	}
	c := startBench(b, base, j)
	p, err := s.there.NewProducer(s.self.Address())
	if err != nil {
		b.Fatal(err)
	}
	restore := pinned()
	defer restore()
	before := lineRoundTrip()
	c.begin()
	time.Sleep(time.Millisecond)
	payload := make([]byte, j.size)
	trip := func(n int) time.Duration {
		time.Sleep(rest)
		start := time.Now()
		for range n {
			if err := s.fill(p, 1, payload); err != nil {
				b.Fatal(err)
			}
			if _, err := s.drain(rd, 1); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start) / time.Duration(n)
	}
	// Reading the clock takes as long as a third of a trip: the median is of trips
	// in tens, the tail of single ones.
	var tens, ones []time.Duration
	b.ResetTimer()
	for left := b.N; left > 0; left-- {
		if left > b.N/2 || left < 10 || rest > 0 {
			ones = append(ones, trip(1))
		} else {
			tens = append(tens, trip(10))
			left -= 9
		}
	}
	b.StopTimer()
	c.wait()
	slices.Sort(ones)
	slices.Sort(tens)
	if len(tens) == 0 {
		tens = ones
	}
	b.ReportMetric(float64(tens[len(tens)/2]), "p50-ns")
	b.ReportMetric(float64(ones[len(ones)*99/100]), "p99-ns")
	reportLine(b, before)
	rd.Close()
	p.Close()
	s.close()
}

// BenchmarkAlone measures publishing and reading in one goroutine: the cost of
// the words without the traffic between cores.
func BenchmarkAlone(b *testing.B) {
	for _, kind := range bothKinds {
		b.Run(kind.String(), func(b *testing.B) {
			ctl, dat := testRing(b, Shape{Slots: 64, Payload: 64, Kind: kind, StallBudget: time.Minute})
			node := &testNode{}
			rd, err := attach(b, node, 1, ctl, dat).Join(JoinOptions{})
			if err != nil {
				b.Fatal(err)
			}
			p := produceFor(b, attach(b, node, 0, ctl, dat))
			var payload [64]byte
			var meta Meta
			var m Message
			b.SetBytes(64)
			b.ReportAllocs()
			for range b.N {
				if err := p.TryPublish(payload[:], &meta); err != nil {
					b.Fatal(err)
				}
				if err := rd.Next(&m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// produceFor opens a handle.
func produceFor(t testing.TB, r *Ring) *Producer {
	t.Helper()
	p, err := r.NewProducer(r.host.(testHost).address())
	if err != nil {
		t.Fatal(err)
	}
	return p
}
