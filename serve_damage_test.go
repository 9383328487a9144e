package ringcast

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// TestScribbledServiceIsReplaced: the ring of a service is damaged while a request is in
// hand. That is ended as if nothing were, and what comes then goes through the ring's successor.
func TestScribbledServiceIsReplaced(t *testing.T) {
	ctx := within(t, 60*time.Second)
	dir := t.TempDir()
	server, b := openBus(t, dir), openBus(t, dir)
	began, end := make(chan struct{}), make(chan struct{})
	s := serve(t, server, "s", func(ctx context.Context, r *Request) error {
		if string(r.Payload()) == "hang" {
			began <- struct{}{}
			<-end
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return r.Reply(r.Payload())
	}, &ServeConfig{Concurrency: 2})
	inHand, err := b.Go(ctx, "s", []byte("hang"))
	if err != nil {
		t.Fatal(err)
	}
	<-began
	client, err := b.Client("s", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := client.Request(ctx, []byte("before"))
	wantReply(t, r, err, "before")
	id := clientRing(client)
	old := groupInode(t, filepath.Join(dir, "default", "services"))
	scribble(t, filepath.Join(dir, "default", "services", "s.ctl"), claimsStart+8*5, 77<<20|layout.ClaimStateReady)
	eventually(t, "nobody serves in a successor", func() bool {
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := client.Request(soon, []byte("x"))
		return err == nil && clientRing(client) != id
	})
	if !isMapped(t, old) {
		t.Error("a ring was unmapped that has a request in hand")
	}
	close(end)
	r, err = inHand.Wait(ctx)
	wantReply(t, r, err, "hang")
	r, err = b.Request(ctx, "s", []byte("after"))
	wantReply(t, r, err, "after")
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
	if isMapped(t, old) {
		t.Error("the ring stays mapped when the instance has stopped")
	}
}

// clientRing is the id of the ring that the client puts its requests into.
func clientRing(c *Client) uint64 {
	c.service.mu.Lock()
	defer c.service.mu.Unlock()
	return c.service.file.ID()
}

// groupInode is the inode of the group file of the only service.
func groupInode(t *testing.T, dir string) uint64 {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.group"))
	if err != nil || len(names) != 1 {
		t.Fatalf("groups %v, %v", names, err)
	}
	info, err := os.Stat(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// isMapped reports whether we map a file of that inode.
func isMapped(t *testing.T, inode uint64) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(maps), fmt.Sprintf(" %d ", inode))
}
