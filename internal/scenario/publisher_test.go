package scenario

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

const topic = "orders"

// publish is the role of a publisher: it sends numbered messages at a rate until
// SIGTERM, and says in its record what was acknowledged.
func publish() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	rate, err := strconv.Atoi(os.Getenv("SCENARIO_RATE"))
	if err != nil {
		return err
	}
	rec, err := openRecord(os.Getenv("SCENARIO_RECORD"))
	if err != nil {
		return err
	}
	bus, err := roleBus()
	if err != nil {
		return err
	}
	defer bus.Close()
	pub, err := bus.Publisher(topic, nil)
	if err != nil {
		return err
	}
	rec.setAddress(bus.Address())
	rec.set(wordReady, 1)
	if rate == 0 { // attached and silent
		<-ctx.Done()
		return nil
	}
	return sendAtRate(ctx, pub, rec, rate)
}

func sendAtRate(ctx context.Context, pub *ringcast.Publisher, rec record, rate int) error {
	payload := make([]byte, 1024)
	begin := time.Now()
	for n := uint64(1); ctx.Err() == nil; n++ {
		for n > uint64(float64(rate)*time.Since(begin).Seconds()) {
			time.Sleep(time.Millisecond)
		}
		binary.LittleEndian.PutUint64(payload, n)
		sent := time.Now()
		if err := pub.Publish(context.WithoutCancel(ctx), payload[:8+n%1000]); err != nil {
			return fmt.Errorf("publish %d: %w", n, err)
		}
		rec.set(wordAcked, n)
		if took := time.Since(sent); took > rec.longest() {
			rec.set(wordLongest, uint64(took))
		}
	}
	return nil
}

// A child is a publisher's process and its record.
type child struct {
	*process
	record
}

var records atomic.Int64

// publisher starts one and returns when it is about to send.
func (s *scene) publisher(dir string, rate int) child {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), fmt.Sprintf("record-%d", records.Add(1)))
	rec, err := openRecord(path)
	if err != nil {
		s.t.Fatal(err)
	}
	p := s.self("publisher", dir, "SCENARIO_RECORD="+path, fmt.Sprintf("SCENARIO_RATE=%d", rate))
	await(s.t, 10*time.Second, "publisher", func() bool { return rec.get(wordReady) == 1 })
	return child{p, rec}
}

// await polls until something is so.
func await(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}
