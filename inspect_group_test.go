package ringcast

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestInspectShowsGroups with their members, apart from the readers, in a directory
// whose name has signs of patterns.
func TestInspectShowsGroups(t *testing.T) {
	ctx := within(t, 10*time.Second)
	dir := filepath.Join(t.TempDir(), "odd [a-z]*")
	b, c := openBus(t, dir), openBus(t, dir)
	pub := publisher(t, b, "jobs", nil)
	one := joinGroup(t, b, "jobs")
	joinGroup(t, b, "jobs")
	joinGroup(t, c, "jobs")
	subscribe(t, c, "jobs", &SubscriberConfig{Group: "audit"})
	subscribe(t, c, "jobs", nil)
	sendNumbers(t, ctx, pub, 10)
	for range 3 {
		next(t, ctx, one)
	}
	s, err := Inspect(&Config{Dir: dir})
	if err != nil || len(s.Topics) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	topic := s.Topics[0]
	if len(topic.Readers) != 1 || topic.Readers[0].Participant != c.self.Index() || topic.Readers[0].Behind != 10 {
		t.Errorf("readers: %+v", topic.Readers)
	}
	slices.SortFunc(topic.Groups, func(a, b GroupState) int { return len(b.Members) - len(a.Members) })
	if len(topic.Groups) != 2 || topic.Groups[0].Name != "workers" || topic.Groups[1].Name != "audit" {
		t.Fatalf("groups: %+v", topic.Groups)
	}
	workers := topic.Groups[0].Members
	slices.Sort(workers)
	if !slices.Equal(workers, []uint16{b.self.Index(), b.self.Index(), c.self.Index()}) {
		t.Errorf("members %v, want twice %d and %d", workers, b.self.Index(), c.self.Index())
	}
	if behind := topic.Groups[1].Behind; behind != 10 {
		t.Errorf("the group that took nothing is %d behind", behind)
	}
	if behind := topic.Groups[0].Behind; behind > 10 {
		t.Errorf("the group is %d behind", behind)
	}
}
