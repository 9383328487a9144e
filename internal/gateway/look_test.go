package gateway

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/ringcast/ringcast"
)

func (s *site) domain() Domain {
	s.t.Helper()
	var d Domain
	a := s.do("GET", "/v1/domain", "")
	if err := json.Unmarshal([]byte(a.body), &d); err != nil || a.status != 200 {
		s.t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return d
}

// TestDomain: what is there is shown with its numbers, in the whole and in each part.
func TestDomain(t *testing.T) {
	s := open(t, nil)
	s.serve("work", &ringcast.ServeConfig{Concurrency: 3, Queue: 128}, echo)
	sub, err := s.bus.Subscribe("news", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	for range 5 {
		s.do("POST", "/v1/services/work", "x").want(t, "request", 200, "x")
		s.do("POST", "/v1/topics/news", "x").want(t, "publish", 202, "")
	}
	var d Domain
	await(t, "the look is new", func() bool {
		d = s.domain()
		return len(d.Topics) == 1 && d.Topics[0].Positions == 5 && len(d.Services) == 1 && d.Services[0].Gateway.Answered == 5
	})
	work, news := d.Services[0], d.Topics[0]
	if work.Service != "work" || work.Requests != 5 || work.Waiting != 0 || work.Queue != 128 || len(work.Instances) != 1 ||
		work.Instances[0].Program != "beside" || work.Instances[0].Limit != 3 || work.Gateway.P50 <= 0 || work.Gateway.P99 < work.Gateway.P50 {
		t.Errorf("service: %+v", work)
	}
	if news.Topic != "news" || len(news.Readers) != 1 || news.Readers[0].Behind != 5 || news.Readers[0].Program != "beside" || news.Readers[0].Address != s.bus.Address().String() {
		t.Errorf("topic: %+v", news)
	}
	i := slices.IndexFunc(d.Participants, func(p Participant) bool { return p.Name == "beside" })
	if i < 0 || !slices.Equal(d.Participants[i].Subscribes, []string{"news"}) || !slices.Equal(d.Participants[i].Serves, []string{"work"}) || !d.Participants[i].Alive {
		t.Errorf("participants: %+v", d.Participants)
	}
	if len(d.Nodes) != 1 || !d.Nodes[0].Self || d.Domain != "default" || d.Gateway.Published != 5 || d.Gateway.Requests < 10 {
		t.Errorf("domain: %+v", d)
	}
	for path, part := range map[string]any{"/v1/nodes": d.Nodes, "/v1/participants": d.Participants, "/v1/services": d.Services, "/v1/topics": d.Topics} {
		b, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.do("GET", path, ""); a.status != 200 || strings.TrimSpace(a.body) != string(b) {
			t.Errorf("%s: %d %s, want %s", path, a.status, a.body, b)
		}
	}
}

func TestMetrics(t *testing.T) {
	s := open(t, nil)
	s.serve("work", nil, echo)
	s.do("POST", "/v1/services/work", "x").want(t, "request", 200, "x")
	s.do("POST", "/v1/topics/news", "x").want(t, "publish", 202, "")
	s.do("GET", "/nobody", "").want(t, "no service", 404, "")
	for _, want := range []string{
		`ringcast_gateway_requests_total{status="200",surface="services"} 1`,
		`ringcast_gateway_requests_total{status="202",surface="topics"} 1`,
		`ringcast_gateway_requests_total{status="404",surface="old"} 1`,
		`ringcast_gateway_published_total 1`,
		`ringcast_topic_positions_total{topic="news"} 1`,
		`ringcast_service_requests_total{service="work"} 1`,
		`ringcast_service_instances{service="work"} 1`,
		`ringcast_nodes 1`,
		`process_resident_memory_bytes `,
	} {
		await(t, want, func() bool { return strings.Contains(s.do("GET", "/metrics", "").body, want) })
	}
}

// TestOpenAPINamesEveryRoute holds the description to what is served.
func TestOpenAPINamesEveryRoute(t *testing.T) {
	s := open(t, nil)
	var api struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(s.do("GET", "/openapi.json", "").body), &api); err != nil {
		t.Fatal(err)
	}
	described := 0
	for _, methods := range api.Paths {
		described += len(methods)
	}
	routes := s.gateway.routes()
	for _, one := range routes {
		method, path, _ := strings.Cut(one.pattern, " ")
		if api.Paths[path][strings.ToLower(method)] == nil {
			t.Errorf("%s is not described", one.pattern)
		}
	}
	if described != len(routes) {
		t.Errorf("%d operations are described, and %d served", described, len(routes))
	}
}
