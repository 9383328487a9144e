package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what /metrics shows, and what the page shows of the gateway itself.
type metrics struct {
	registry *prometheus.Registry
	handler  http.Handler
	answers  *prometheus.CounterVec
	times    *prometheus.HistogramVec
	log      io.Writer // nil: none

	requests    atomic.Uint64 // answered
	refused     atomic.Uint64 // with 503
	connections atomic.Int64
	readers     atomic.Int64  // of topics
	missed      atomic.Uint64 // messages that readers missed
	published   atomic.Uint64
}

// A State is what the gateway says of itself.
type State struct {
	Address     string `json:"address"`
	Requests    uint64 `json:"requests"` // answered
	Refused     uint64 `json:"refused"`  // with 503
	InFlight    int    `json:"in_flight"`
	Connections int64  `json:"connections"`
	Readers     int64  `json:"readers"` // of topics
	Missed      uint64 `json:"missed"`  // messages that they missed
	Published   uint64 `json:"published"`
}

func (g *Gateway) state() State {
	m := g.metrics
	return State{
		Address: g.bus.Address().String(), Requests: m.requests.Load(), Refused: m.refused.Load(),
		InFlight: g.inFlight(), Connections: m.connections.Load(), Readers: m.readers.Load(),
		Missed: m.missed.Load(), Published: m.published.Load(),
	}
}

func (g *Gateway) inFlight() int { return g.config.InFlight - int(g.places.free.Load()) }

// newMetrics makes the registry of one gateway.
func newMetrics(g *Gateway) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringcast_gateway_requests_total", Help: "Requests answered, by surface and status; 499 where the client left.",
		}, []string{"surface", "status"}),
		times: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ringcast_gateway_request_seconds", Help: "From the header of a request to its last byte, without readers of topics.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 14),
		}, []string{"surface"}),
		log: g.config.Log,
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	counter := func(name, help string, value *atomic.Uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value.Load()) })
	}
	m.registry.MustRegister(m.answers, m.times, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("ringcast_gateway_in_flight", "Requests and publishes that are open.", func() float64 { return float64(g.inFlight()) }),
		gauge("ringcast_gateway_connections", "Connections that are open.", func() float64 { return float64(m.connections.Load()) }),
		gauge("ringcast_gateway_readers", "Clients that read topics.", func() float64 { return float64(m.readers.Load()) }),
		counter("ringcast_gateway_missed_total", "Messages that readers of topics missed, since they were too slow.", &m.missed),
		counter("ringcast_gateway_published_total", "Messages that clients published.", &m.published),
		&domainCollector{g})
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

func (g *Gateway) serveMetrics(w http.ResponseWriter, r *http.Request) error {
	g.allowWrite(w)
	g.metrics.handler.ServeHTTP(w, r)
	return nil
}

// connection counts connections; one that became a WebSocket is counted as a reader.
func (m *metrics) connection(state http.ConnState) {
	switch state {
	case http.StateNew:
		m.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		m.connections.Add(-1)
	}
}

// surfaceOf tells the modern surface, the old form and the rest apart.
func surfaceOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/v1/services"):
		return "services"
	case strings.HasPrefix(path, "/v1/topics"):
		return "topics"
	case strings.HasPrefix(path, "/v1/"), path == "/metrics", path == "/healthz", path == "/openapi.json", path == "/":
		return "look"
	}
	return "old"
}

// answered notes one request.
func (m *metrics) answered(r *http.Request, seen *recorder, took time.Duration) {
	surface, status := surfaceOf(r.URL.Path), seen.status
	if status == 0 {
		status = http.StatusOK
	}
	m.requests.Add(1)
	if status == http.StatusServiceUnavailable {
		m.refused.Add(1)
	}
	m.answers.WithLabelValues(surface, strconv.Itoa(status)).Inc()
	if !seen.reads {
		m.times.WithLabelValues(surface).Observe(took.Seconds())
	}
	if m.log != nil {
		_, _ = fmt.Fprintf(m.log, "%s %s %q %d %d bytes in %v\n", r.RemoteAddr, r.Method, clip(r.URL.Path), status, seen.written, took.Round(time.Microsecond))
	}
}

// A recorder notes the status of an answer. It belongs to the handler's goroutine.
type recorder struct {
	http.ResponseWriter
	status  int
	written int64
	reads   bool // the client reads a topic
}

// Unwrap lets http.ResponseController, and the making of a WebSocket, through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	n, err := r.ResponseWriter.Write(b)
	r.written += int64(n)
	return n, err
}

// A domainCollector shows the topics and services of the node.
type domainCollector struct{ gateway *Gateway }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("ringcast_"+name, help, labels, nil)
}

var (
	topicPositions = describe("topic_positions_total", "Positions claimed in the ring of a topic: messages, fragments and holes.", "topic")
	topicEvicted   = describe("topic_evicted_total", "Readers that were put out for slowness.", "topic")
	topicDamaged   = describe("topic_damaged_total", "Impossible words met in the ring.", "topic")
	readerBehind   = describe("reader_behind", "Positions that the slowest reader of a program has still to read.", "topic", "program")
	readerMissed   = describe("reader_missed_total", "Positions that passed the readers of a program by.", "topic", "program")
	serviceTaken   = describe("service_requests_total", "Requests that the queue of a service took.", "service")
	serviceWaiting = describe("service_waiting", "Requests that nobody has taken yet.", "service")
	instances      = describe("service_instances", "Instances of a service on this node.", "service")
	nodes          = describe("nodes", "Nodes of the domain, this one included.")
	shown          = describe("counter_total", "Counters that processes of this node show, the forwarder's among them.", "program", "name")
)

// Describe is of prometheus.Collector.
func (c *domainCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{topicPositions, topicEvicted, topicDamaged, readerBehind, readerMissed, serviceTaken, serviceWaiting, instances, nodes, shown} {
		out <- d
	}
}

// Collect is of prometheus.Collector.
func (c *domainCollector) Collect(out chan<- prometheus.Metric) {
	d, err := c.gateway.look()
	if err != nil {
		return // the gateway's own metrics are of use
	}
	counter := func(desc *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
	}
	gauge := func(desc *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	gauge(nodes, uint64(len(d.Nodes)))
	for i := range d.Topics {
		t := &d.Topics[i]
		counter(topicPositions, t.Positions, t.Topic)
		counter(topicEvicted, t.Evicted, t.Topic)
		counter(topicDamaged, t.Damaged, t.Topic)
		behind, missed := readersByProgram(t)
		for program := range behind {
			gauge(readerBehind, behind[program], t.Topic, program)
			counter(readerMissed, missed[program], t.Topic, program)
		}
	}
	for i := range d.Services {
		s := &d.Services[i]
		counter(serviceTaken, s.Requests, s.Service)
		gauge(serviceWaiting, s.Waiting, s.Service)
		gauge(instances, uint64(len(s.Instances)), s.Service)
	}
	sums := map[[2]string]uint64{}
	for _, one := range d.Counters {
		sums[[2]string{one.Program, one.Name}] += one.Value
	}
	for key, value := range sums {
		counter(shown, value, key[0], key[1])
	}
}

// readersByProgram sums readers up: two of one program are one series.
func readersByProgram(t *Topic) (behind, missed map[string]uint64) {
	behind, missed = map[string]uint64{}, map[string]uint64{}
	for _, r := range t.Readers {
		behind[r.Program] = max(behind[r.Program], r.Behind)
		missed[r.Program] += r.Missed
	}
	return behind, missed
}
