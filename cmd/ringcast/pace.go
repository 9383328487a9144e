package main

import (
	"context"
	"time"
)

// A pacer offers messages at a fixed rate, whatever happened to those before: a
// message that is late is sent at once, and does not make the next one later.
// It belongs to one goroutine; a nil pacer never waits.
type pacer struct {
	perSecond float64
	start     time.Time
	sent      int64
	behind    time.Duration // the most that a message was late
}

func newPacer(perSecond float64) *pacer {
	if perSecond <= 0 {
		return nil
	}
	return &pacer{perSecond: perSecond}
}

// shortSleep is what a sleep takes at least; messages due within it are sent together.
const shortSleep = 100 * time.Microsecond

// wait returns when the next message is due.
func (p *pacer) wait(ctx context.Context) error {
	if p == nil {
		return nil
	}
	if p.sent == 0 {
		p.start = time.Now()
	}
	due := time.Duration(float64(p.sent) / p.perSecond * float64(time.Second))
	p.sent++
	for {
		ahead := due - time.Since(p.start)
		if ahead < shortSleep {
			p.behind = max(p.behind, -ahead)
			return nil
		}
		if err := sleep(ctx, ahead); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d < 10*time.Millisecond {
		time.Sleep(d)
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
