package forward

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A Forwarder joins the rings of one node to the network. Run is called once;
// the other methods are safe for concurrent use.
type Forwarder struct {
	// Immutable after New.
	cfg    Config
	domain *shm.Domain
	self   *shm.Participant
	seat   *shm.ForwarderSeat
	conn   *udp.Conn
	host   ring.Host
	start  time.Time

	// Shared; atomic.
	deadline atomic.Int64  // when the network loop wakes by itself, as mcast.Time
	rescan   atomic.Bool   // topics or wants may have changed
	waiting  atomic.Bool   // the network loop wants mu
	scanned  atomic.Uint64 // changes of the participants' table that the pump has seen
	parked   atomic.Int64  // bytes parked in all topics
	places   sync.Mutex    // guards the seat's rows of streams
	counters counters

	// Guarded by mu.
	mu        sync.Mutex
	engine    *mcast.Engine
	direct    *direct
	out       map[string]*outbound
	closed    map[uint64]splices // of rings that were forwarded in this session, by id
	mark      uint64             // the engine's last
	forgot    uint64             // up to which mark it is not known of all rings that are not forwarded where they stood
	in        map[string]*inbound
	closing   []*inbound               // not in there any more; drainers may still use them
	untold    []*inbound               // messages were put into their rings, and nobody was woken yet
	peers     map[*mcast.Peer][]string // what each wants
	heeded    map[*mcast.Peer][]string // what of it a scan has seen to: what the directory says
	seen      map[string]bool          // topics published here at the last scan
	failed    map[string]string        // topics published here that cannot be opened, and why
	lingered  bool                     // the open datagram has waited once
	resting   bool                     // the pump sleeps, or will, as far as it can see
	watching  bool                     // the network loop looks in its place
	looked    mcast.Time               // when it did so last
	again     mcast.Time               // when they are tried again; 0: there are none
	wanted    []string                 // what the engine was told that this node wants
	told      bool                     // it was told anything at all
	histories []mcast.HistoryWant      // and of these with what was published before
	stale     uint64                   // a greater session of this node that others have seen
	overtaken mcast.Overtaken          // how often it began above one
	renewal   renewal
	drops     [2]uint64                 // kernel drops told to the engine, by socket
	apart     []table.QuarantinedSource // who is ignored for a while
	dir       directory
	saved     mcast.Time      // when places were last written down
	wg        sync.WaitGroup  // drainers
	ctx       context.Context // of Run
}

// New joins the domain as its forwarder and opens the sockets; nothing is sent
// yet. Errors: shm.ErrForwarderRunning when the node has one; those of
// shm.OpenDomain and udp.Open.
func New(cfg Config) (*Forwarder, error) {
	f := &Forwarder{
		cfg: cfg.withDefaults(), start: time.Now(),
		out: map[string]*outbound{}, in: map[string]*inbound{},
		peers: map[*mcast.Peer][]string{}, heeded: map[*mcast.Peer][]string{},
		seen: map[string]bool{}, failed: map[string]string{},
	}
	if l := f.cfg.Linger; l < 0 || l > LingerMax {
		return nil, fmt.Errorf("%w: linger of %v: want 0 to %v", ErrConfig, l, LingerMax)
	}
	if err := f.open(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Forwarder) open() (err error) {
	if f.domain, err = shm.OpenDomain(&f.cfg.Domain); err != nil {
		return err
	}
	if _, err = ring.Sweep(f.domain); err != nil {
		f.cfg.Log("sweep: %v", err)
	}
	info := shm.Info{Name: "ringcastd", Version: f.cfg.Version, Language: layout.LanguageGo}
	if f.self, err = f.domain.Join(info); err != nil {
		return err
	}
	f.host = ring.NewHost(f.self)
	f.direct = newDirect(f)
	if err = f.direct.open(); err != nil {
		return err
	}
	if f.seat, err = f.domain.ClaimForwarder(f.self); err != nil {
		return err
	}
	if err = f.seat.WriteDirectory(nil); err != nil { // what the one before knew may be long over
		return err
	}
	if err = f.counters.register(f.domain, f.self); err != nil {
		return err
	}
	f.cfg.Net.Dropped = f.countDropped
	f.cfg.Net.Notice = func(line string) { f.cfg.Log("%s", line) }
	if f.conn, err = udp.Open(&f.cfg.Net); err != nil {
		return err
	}
	return f.newEngine(f.seat.Session())
}

// unguessed is a source of numbers that nobody else can work out: the engine asks by some of them whether a node is where it
// says that it is.
func unguessed() rand.Source {
	var seed [32]byte
	crand.Read(seed[:]) // it never fails
	return rand.NewChaCha8(seed)
}

// newEngine starts the protocol under a session, at the place where a
// predecessor stood.
func (f *Forwarder) newEngine(session uint64) error {
	node, epoch := f.domain.Node()
	e, err := mcast.New(&mcast.Config{
		DomainHash: domainHash(f.cfg.Domain.Domain), Node: node, Epoch: epoch, Session: session,
		Name: fmt.Sprintf("n%d", node), Host: hostname(),
		MTU: f.conn.SurePayload(), MTULarge: f.conn.MTU(), Window: f.cfg.Window, Rate: f.cfg.Rate,
		ReceiveBuffer: f.conn.Buffers().Counted(), Compression: f.cfg.Compression, NoDirected: f.cfg.NoDirected, Seeds: f.cfg.seeds(f.conn.Group()),
		Guard: f.cfg.Limits.Guard, Overtaken: f.overtaken, Limits: f.cfg.session.engine,
	}, (*sink)(f), rand.New(unguessed()))
	if err != nil {
		return err
	}
	f.engine, f.closed, f.mark, f.forgot = e, map[uint64]splices{}, 0, 0
	f.forgetApart()
	f.direct.router.Begin(session)
	return f.newDirectory(session)
}

// domainHash keeps the frames of other domains on the same group apart.
func domainHash(domain string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(domain))
	return h.Sum32()
}

// unlock wakes the readers of what was delivered, and lets mu go.
func (f *Forwarder) unlock() {
	for i, in := range f.untold {
		in.tell()
		f.untold[i] = nil
	}
	f.untold = f.untold[:0]
	f.direct.tell()
	f.mu.Unlock()
}

// now is the forwarder's running time.
func (f *Forwarder) now() mcast.Time { return mcast.Time(time.Since(f.start)) }

// Run forwards until ctx ends, then says BYE. It returns nil in that case, and
// what went wrong otherwise.
func (f *Forwarder) Run(ctx context.Context) error {
	guardFaults()
	parent := ctx
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	f.ctx = ctx
	f.cfg.Log("node %d of domain %q on %v, speaks from %v, %s", f.node(), f.cfg.Domain.Domain, f.conn.Interface(), f.conn.LocalAddr(), f.conn.Buffers().Short())
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		f.conn.Wake()
		f.self.Doorbell().Ring()
	})
	all := f.interests()
	f.mu.Lock()
	f.resume()
	f.tellWants(all)
	f.engine.Start(f.now())
	f.mu.Unlock()
	f.scanned.Store(f.domain.Changes() - 1) // none seen yet

	var loops sync.WaitGroup
	for _, loop := range []func(context.Context) error{f.netLoop, f.pumpLoop, f.watchDeaths, f.writeLoop, f.sweepLoop} {
		loops.Go(func() {
			if err := loop(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	loops.Wait()
	if !stop() {
		<-woken // it rings a bell that Close unmaps
	}
	f.wg.Wait()
	f.shutdown()
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

func (f *Forwarder) node() uint32 {
	node, _ := f.domain.Node()
	return node
}

// shutdown says BYE and lets go of the rings.
func (f *Forwarder) shutdown() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.savePlaces()
	f.engine.Close(f.now())
	for name := range f.out {
		f.closeOut(name)
	}
	for name := range f.in {
		f.closeIn(name)
	}
	f.direct.tell()
}

// closeIn lets go of an inbound topic.
func (f *Forwarder) closeIn(name string) {
	in := f.in[name]
	delete(f.in, name)
	in.gone = true
	for t := range in.remote { // which may live on for long
		if t.Data == in {
			t.Data = nil
		}
	}
	in.close()
	f.closing = append(slices.DeleteFunc(f.closing, (*inbound).idle), in)
}

// Close gives up seat, sockets and segments. Run must have returned.
func (f *Forwarder) Close() error {
	var errs []error
	if f.direct != nil {
		f.direct.close()
	}
	if f.conn != nil {
		errs = append(errs, f.conn.Close())
	}
	if f.seat != nil {
		errs = append(errs, f.seat.Close())
	}
	if f.self != nil {
		errs = append(errs, f.self.Close())
	}
	if f.domain != nil {
		errs = append(errs, f.domain.Close())
	}
	return errors.Join(errs...)
}

// watchDeaths recovers what killed participants held, as soon as the kernel says so.
func (f *Forwarder) watchDeaths(ctx context.Context) error {
	return f.domain.Deaths(ctx, func(index uint16) {
		generation, live := f.domain.State(index)
		if !live || f.domain.Alive(index) {
			return
		}
		f.noteDeath(index, generation)
		if err := ring.RecoverParticipant(f.domain, index, generation); err != nil {
			f.cfg.Log("recover participant %d: %v", index, err)
		}
		f.wantRescan()
	})
}

// wantRescan makes the pump look at topics and wants again.
func (f *Forwarder) wantRescan() {
	f.rescan.Store(true)
	f.self.Doorbell().Ring()
}
