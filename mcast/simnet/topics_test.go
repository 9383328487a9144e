package simnet

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// topicAges publishes messages of several topics from node 1 to node 2, each in a
// datagram of its own, and returns how old they were when they came, by topic. drop
// decides by topic whether a datagram, or a repair of it, is lost.
func topicAges(t *testing.T, topics, messages int, drop func(topic int) bool) [][]mcast.Duration {
	t.Helper()
	o := Options{Seed: 4, Nodes: 2, Topics: topics, SizeMax: 200, Jitter: 50 * mcast.Microsecond, Delay: 100 * mcast.Microsecond}
	o.Config.RateMin = 400_000 // not a matter of the rate
	n := New(o)
	n.Run(5*mcast.Second, n.AllJoined)
	x := n.Nodes[0]
	ages := make([][]mcast.Duration, topics)
	n.Nodes[1].OnDeliver = func(_ *mcast.Peer, _ *mcast.RemoteTopic, m *mcast.Message) {
		if m.TimestampNs != 0 {
			ages[m.Producer.Handle] = append(ages[m.Producer.Handle], n.Now()-mcast.Time(m.TimestampNs))
		}
	}
	n.Drop = func(from, _ *Node, datagram []byte) bool {
		var d wire.Data
		var m wire.Message
		if from != x || wire.TypeOf(datagram) != wire.TypeData || wire.ParseData(datagram[wire.HeaderSize:], wire.FlagsOf(datagram), &d) != wire.OK {
			return false
		}
		wire.NextMessage(d.Body, &m)
		return m.Topic != 0 && drop(int(m.Topic)-1)
	}
	n.prompt = newPromptness()
	sent, offered, begin := 0, 0, n.Now()
	var step func()
	step = func() {
		for offered++; sent < offered; sent++ { // what was refused comes first, and is as old as it is
			s := x.streams[sent%topics]
			at := begin + mcast.Duration(sent)*20*mcast.Microsecond
			m := mcast.Message{Producer: s.producer, Sequence: s.next, Payload: x.payload(s), TimestampNs: uint64(at)}
			if x.engine.Send(n.Now(), s.id, &m) != mcast.Sent {
				break
			}
			s.next++
			s.last++
			x.engine.Flush(n.Now())
		}
		x.after()
		if offered = min(offered, messages-1); sent < messages {
			n.After(20*mcast.Microsecond, step)
		}
	}
	n.After(0, step)
	n.Run(20*mcast.Second, func() bool { return sent == messages && n.AllTaken() })
	n.CheckProgress()
	if err := n.Err(); err != nil {
		t.Fatal(err)
	}
	for _, a := range ages {
		slices.Sort(a)
	}
	return ages
}

func quantile(sorted []mcast.Duration, q float64) mcast.Duration {
	return sorted[int(q*float64(len(sorted)-1))] / mcast.Microsecond
}

// Loss of one topic's datagrams does not delay another topic: guarantee test 18.
func TestLossOnOneTopic(t *testing.T) {
	messages := few(20_000, 3_000)
	base := topicAges(t, 2, messages, func(int) bool { return false })
	for _, loss := range []float64{0.01, 0.05, 0.2} {
		r := rand.New(rand.NewPCG(5, uint64(loss*1000)))
		ages := topicAges(t, 2, messages, func(topic int) bool { return topic == 0 && r.Float64() < loss })
		was, is := quantile(base[1], .99), quantile(ages[1], .99)
		t.Logf("loss %g of topic A: A p50 %d p99 %d us; B p50 %d p99 %d max %d us, without loss p99 %d", loss,
			quantile(ages[0], .5), quantile(ages[0], .99), quantile(ages[1], .5), is, quantile(ages[1], 1), was)
		if float64(is) > 1.1*float64(was) {
			t.Errorf("loss %g of topic A: p99 of topic B is %d us, %d without loss", loss, is, was)
		}
	}
}

// Under loss of everything a message waits for the repair of its own topic only.
func TestLossOfManyTopics(t *testing.T) {
	var p999 []mcast.Duration
	for _, topics := range []int{1, 20} {
		r := rand.New(rand.NewPCG(6, 6))
		var all []mcast.Duration
		for _, a := range topicAges(t, topics, few(20_000, 3_000), func(int) bool { return r.Float64() < 0.01 }) {
			all = append(all, a...)
		}
		slices.Sort(all)
		t.Logf("%d topics, 1 %% loss: age us p50 %d p90 %d p99 %d p99.9 %d", topics, quantile(all, .5), quantile(all, .9), quantile(all, .99), quantile(all, .999))
		p999 = append(p999, quantile(all, .999))
	}
	if p999[1] > p999[0] {
		t.Errorf("p99.9 is %d us with 20 topics, %d with one", p999[1], p999[0])
	}
}
