package forward

import (
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// TestProcessPublishesAgain closes a publisher, so that its topic's ring is gone, and
// opens another one in the same process: its messages arrive, too.
func TestProcessPublishesAgain(t *testing.T) {
	a, b, reader, rd, ctx := twoNodes(t, "again", nil)
	_ = b
	p := a.program()
	for round := range 3 {
		if err := p.self.SetInfo(shm.Info{Name: "test", Interests: []shm.Interest{{Name: "again", Publisher: true}}}); err != nil {
			t.Fatal(err)
		}
		file, err := ring.OpenFile(a.f.topicPath("again"), ring.NewHost(p.self), ring.FileOptions{Write: true})
		if err != nil {
			t.Fatal(err)
		}
		w, err := file.NewProducer(p.self.Address())
		if err != nil {
			t.Fatal(err)
		}
		p.domain.AwaitForwarder(ctx, 5*time.Second)
		a.awaitOut(ctx, "again")
		p.publishN(ctx, w, 10)
		got := newAccount()
		if err := got.follow(ctx, reader, rd, w.Address(), 10); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if got.delivered != 10 {
			t.Errorf("round %d: %d delivered", round, got.delivered)
		}
		if err := p.self.SetInfo(shm.Info{Name: "test"}); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		a.awaitOut(ctx)
	}
}
