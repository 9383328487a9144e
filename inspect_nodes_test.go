package ringcast

import (
	"testing"

	"github.com/ringcast/ringcast/codec/table"
)

// TestInspectShowsWhereTopicsGo: to one node alone, to all, or nowhere; only what the forwarder says, while it lives.
func TestInspectShowsWhereTopicsGo(t *testing.T) {
	dir := t.TempDir()
	b, f := openBus(t, dir), playForwarder(t, dir)
	for _, topic := range []string{"orders", "prices", "ticks"} {
		publisher(t, b, topic, nil)
	}
	f.write(table.Directory{Nodes: []table.NodeInfo{otherNode()}, Forwarded: []table.ForwardedTopic{
		{Name: "gone", Alone: 9}, {Name: "prices", Alone: 7}, {Name: "ticks"},
	}})
	for _, alive := range []bool{true, false} {
		s, err := Inspect(&Config{Dir: dir})
		if err != nil || len(s.Topics) != 3 || s.Forwarder != alive {
			t.Fatalf("%+v, %v", s, err)
		}
		for i, want := range []struct {
			forwarded bool
			alone     uint32
		}{{false, 0}, {alive, 7}, {alive, 0}} {
			if !alive {
				want.alone = 0
			}
			if got := s.Topics[i]; got.Forwarded != want.forwarded || got.Alone != want.alone {
				t.Errorf("%s, a forwarder that lives: %v: forwarded %v to %d alone, want %+v", got.Name, alive, got.Forwarded, got.Alone, want)
			}
		}
		if alive {
			f.close()
		}
	}
}
