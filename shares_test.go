package ringcast

import (
	"testing"
	"time"
)

// TestSharesWakeAllWhoFit: two shares come back at once, two wait for one each, and both
// get theirs, though a third leads on.
func TestSharesWakeAllWhoFit(t *testing.T) {
	ctx := within(t, 40*time.Second)
	dir := t.TempDir()
	b := openInFlight(t, dir, 96)
	hang(t, b, "s", &ServeConfig{Concurrency: 4})
	long, err := b.Go(ctx, "s", nil)
	if err != nil {
		t.Fatal(err)
	}
	d := long.desk
	go func() { _, _ = long.Wait(ctx) }() // leads
	eventually(t, "nobody leads", func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.led })
	d.mu.Lock()
	held := d.shares
	d.shares = 0
	d.mu.Unlock()
	begun := make(chan error, 2)
	for range 2 {
		go func() { _, err := b.Go(ctx, "s", nil); begun <- err }()
	}
	eventually(t, "not both wait", func() bool { return parkedAt(b) == 2 })
	d.mu.Lock()
	d.returnShares(1)
	d.returnShares(1)
	d.mu.Unlock()
	for range 2 {
		select {
		case err := <-begun:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(8 * time.Second):
			t.Error("one waits on, and there is a share")
		}
	}
	d.mu.Lock()
	d.returnShares(held - 2)
	d.mu.Unlock()
	long.Cancel()
}
