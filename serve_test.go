package ringcast

import (
	"errors"
	"testing"
	"time"
)

// TestServeWhileTheBusCloses: it serves and stops, or is told; nothing is used behind the end.
func TestServeWhileTheBusCloses(t *testing.T) {
	dir := t.TempDir()
	keeps := openBus(t, dir)
	serve(t, keeps, "s", echo, nil)
	for i := range 60 {
		b := openBus(t, dir)
		closed := make(chan error, 1)
		go func() {
			time.Sleep(time.Duration(i) * 20 * time.Microsecond)
			closed <- b.Close()
		}()
		s, err := b.Serve("s", echo, nil)
		if err != nil && !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		if s == nil {
			continue
		}
		if err := s.Stop(within(t, 20*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
}
