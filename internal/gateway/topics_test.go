package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/ringcast/ringcast"
)

// A told is a message or an event as a client reads it.
type told struct {
	Note
	Sequence uint64   `json:"sequence"`
	Content  string   `json:"content"`
	Payload  string   `json:"payload"`
	Fields   []string `json:"fields"`
	Base64   string   `json:"base64"`
	Problem  string   `json:"problem"`
	TimeNs   uint64   `json:"time_ns"`
}

func parseTold(t *testing.T, text string) told {
	t.Helper()
	_, data, _ := strings.Cut(text, " ")
	var one told
	if err := json.Unmarshal([]byte(data), &one); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return one
}

// TestPublish: 202 says that the message is in the topic, with its marks.
func TestPublish(t *testing.T) {
	s := open(t, nil)
	sub, err := s.bus.Subscribe("orders.eu", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range []struct {
		query, body, payload string
		content              uint8
	}{
		{"", "a\x00b", "a\x00b", ringcast.ContentRaw},
		{"?content=fields", `["x",1]`, string(ringcast.AppendFields(nil, []byte("x"), []byte("1"))), ringcast.ContentFields},
		{"?content=flatbuffer", "table", "table", ringcast.ContentFlatBuffer},
		{"", "", "", ringcast.ContentRaw},
	} {
		s.do("POST", "/v1/topics/orders.eu"+one.query, one.body).want(t, one.query, 202, "orders.eu")
		m, err := sub.Next(t.Context())
		if err != nil || string(m.Payload()) != one.payload || m.Content() != one.content || m.Sequence() != uint64(i+1) {
			t.Errorf("message %d: %v, %v, want %q of content %d", i+1, m, err, one.payload, one.content)
		}
	}
	s.wantProblem("POST", "/v1/topics/orders.*", "", 400, "bad-request", false)
	s.wantProblem("POST", "/v1/topics/x?content=y", "", 400, "bad-request", false)
	s.serve("service", nil, echo)
	s.wantProblem("POST", "/v1/topics/service", "", 409, "name-kind", false)
}

// TestPublishFull: a topic whose slowest reader is a ring behind is 503, and nothing was sent.
func TestPublishFull(t *testing.T) {
	s := open(t, nil)
	p, err := s.bus.Publisher("full", &ringcast.PublisherConfig{Slots: 64, StallBudget: patience * 10})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	sub, err := s.bus.Subscribe("full", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	for p.TryPublish([]byte("x")) == nil {
	}
	a := s.do("POST", "/v1/topics/full?timeout=20", "late")
	if a.status != 503 || problemIn(t, a).Code != "full" || a.header.Get("Retry-After") == "" {
		t.Errorf("full: %d %s", a.status, a.body)
	}
	s.wantProblem("POST", "/v1/topics/full", strings.Repeat("x", 200_000), 413, "message-too-large", false)
}

// TestTopicsAreBounded: topics are let go for others, and not while they are in use.
func TestTopicsAreBounded(t *testing.T) {
	s := open(t, &Config{MaxTopics: 2})
	for i := range 6 {
		path := fmt.Sprintf("/v1/topics/t%d", i)
		s.do("POST", path, "x").want(t, path, 202, "")
	}
	if n := len(s.gateway.publishers.open); n != 2 {
		t.Errorf("%d topics are open, want 2", n)
	}
	for _, topic := range []string{"t4", "t5"} {
		if _, err := s.gateway.publishers.take(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
	}
	s.wantProblem("POST", "/v1/topics/t6", "x", 503, "overloaded", false)
}

// TestEvents: messages of a pattern in their forms, by server-sent events.
func TestEvents(t *testing.T) {
	s := open(t, nil)
	next, leave := s.events("/v1/topics/orders.*")
	defer leave()
	s.do("POST", "/v1/topics/orders.eu", "line 1\nline \"2\"").want(t, "publish", 202, "")
	if m := parseTold(t, next()); m.Topic != "orders.eu" || m.Sequence != 1 || m.Payload != "line 1\nline \"2\"" || m.Content != "raw" || m.Event != "" || !strings.HasPrefix(m.Source, "n") {
		t.Errorf("text: %+v", m)
	}
	s.do("POST", "/v1/topics/orders.us?content=fields", `["a","b"]`).want(t, "publish", 202, "")
	if m := parseTold(t, next()); m.Topic != "orders.us" || m.Content != "fields" || strings.Join(m.Fields, "|") != "a|b" {
		t.Errorf("fields: %+v", m)
	}
	s.do("POST", "/v1/topics/orders.eu", "\xff\x00").want(t, "publish", 202, "")
	if m := parseTold(t, next()); m.Base64 != "/wA=" || m.Payload != "" {
		t.Errorf("bytes: %+v", m)
	}
	s.wantProblem("GET", "/v1/topics/a..b", "", 400, "bad-request", false)
	s.wantProblem("GET", "/v1/topics/a?mode=x", "", 400, "bad-request", false)
}

// dial opens a WebSocket, and checks the first message.
func (s *site) dial(path string, protocols ...string) *websocket.Conn {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.t.Cleanup(cancel)
	c, _, err := websocket.Dial(ctx, "ws://"+s.address+path, &websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.CloseNow() })
	if _, b, err := c.Read(ctx); err != nil || !strings.Contains(string(b), `"event":"open"`) {
		s.t.Fatalf("the first message is %q, %v", b, err)
	}
	return c
}

func TestWebSocket(t *testing.T) {
	s := open(t, nil)
	c := s.dial("/v1/topics/ticks")
	for i := range 100 {
		s.do("POST", "/v1/topics/ticks", fmt.Sprint(i)).want(t, "publish", 202, "")
	}
	for i := range 100 {
		_, b, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m := parseTold(t, " "+string(b)); m.Payload != fmt.Sprint(i) || m.Sequence != uint64(i+1) {
			t.Errorf("message %d is %s", i, b)
		}
	}
	await(t, "the reader is counted", func() bool { return s.gateway.state().Readers == 1 })
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	await(t, "the reader is let go", func() bool { return s.gateway.state().Readers == 0 })
}

// TestReadersShareASubscription: however many clients read a topic, its ring has one reader.
func TestReadersShareASubscription(t *testing.T) {
	s := open(t, &Config{MaxStreams: 8})
	var leave []func()
	var next []func() string
	for range 8 {
		n, l := s.events("/v1/topics/shared")
		next, leave = append(next, n), append(leave, l)
	}
	s.wantProblem("GET", "/v1/topics/shared", "", 503, "overloaded", false)
	d, err := ringcast.Inspect(&ringcast.Config{Dir: s.dir})
	if err != nil || len(d.Topics) != 1 || len(d.Topics[0].Readers) != 1 || !d.Topics[0].Readers[0].Latest {
		t.Fatalf("%+v, %v: want one reader of mode latest", d.Topics, err)
	}
	s.do("POST", "/v1/topics/shared", "to all").want(t, "publish", 202, "")
	for i := range next {
		if m := parseTold(t, next[i]()); m.Payload != "to all" {
			t.Errorf("reader %d got %+v", i, m)
		}
	}
	for _, l := range leave {
		l()
	}
	await(t, "the subscription is let go", func() bool {
		s.gateway.hubs.mu.Lock()
		defer s.gateway.hubs.mu.Unlock()
		return len(s.gateway.hubs.open) == 0 && s.gateway.hubs.all == 0
	})
}

// TestSlowReader: a client that takes nothing holds nobody up, and is told exactly how much
// it missed. Its peer misses nothing.
func TestSlowReader(t *testing.T) {
	modes := []string{"latest", "reliable"}
	if testing.Short() {
		modes = modes[1:]
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) { slowReader(t, mode) })
	}
}

func slowReader(t *testing.T, mode string) {
	s := open(t, &Config{QueueBytes: 64 << 10, WriteTime: 10 * patience})
	next, leave := s.events("/v1/topics/fast?mode=" + mode)
	defer leave()
	p, err := s.bus.Publisher("fast", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	// More than the connection's buffers hold, which are some MiB.
	const count = 8000
	payload := []byte(strings.Repeat("x", 2000))
	for range count - 1 {
		if err := p.Publish(t.Context(), payload); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Publish(t.Context(), []byte("last")); err != nil {
		t.Fatal(err)
	}
	got, missed, expected := 0, uint64(0), uint64(1)
	for {
		m := parseTold(t, next())
		if m.Event == "lagged" {
			missed += m.Missed + m.Events
			expected += m.Missed + m.Events
			continue
		}
		if m.Event != "" || m.Sequence != expected {
			t.Fatalf("%+v, want sequence %d", m, expected)
		}
		got++
		expected++
		if m.Payload == "last" {
			break
		}
	}
	if uint64(got)+missed != count || missed == 0 {
		t.Errorf("%d read and %d missed of %d", got, missed, count)
	}
	t.Logf("%s: %d read, %d missed, exactly %d", mode, got, missed, count)
}

// TestReaderTold: what the queue drops is counted, events among it too.
func TestReaderTold(t *testing.T) {
	s := open(t, nil)
	r := newReader(&hub{key: hubKey{pattern: "p"}}, 100, &s.gateway.metrics.missed)
	long := item{json: make([]byte, 60)}
	r.put(long)
	r.put((&Note{Event: "loss"}).item(7)) // fits beside it
	r.put(long)                           // does not: the two before are dropped
	list, open := r.take(nil)
	if !open || len(list) != 2 || list[0].event != "lagged" || list[1].event != "" {
		t.Fatalf("%+v, %v: want lagged and a message", list, open)
	}
	if n := parseTold(t, " "+string(list[0].json)); n.Missed != 1 || n.Events != 7 || n.Where != "gateway" {
		t.Errorf("told %+v, want 1 message missed, and events of 7", n)
	}
	r.put(item{json: make([]byte, 1000)}) // alone, a message may be larger than the queue
	if list, _ = r.take(list); len(list) != 1 || s.gateway.metrics.missed.Load() != 1 {
		t.Errorf("a large message: %d items, %d missed in all", len(list), s.gateway.metrics.missed.Load())
	}
}

// TestHeadReadsNothing: HEAD does not open a stream that nobody reads.
func TestHeadReadsNothing(t *testing.T) {
	s := open(t, nil)
	if a := s.do(http.MethodHead, "/v1/topics/x", ""); a.status != 405 {
		t.Errorf("HEAD: %d, want 405", a.status)
	}
}
