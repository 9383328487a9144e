package ringcast

import (
	"context"
	"iter"
)

// A feed is what the ways of reading stand on: a subscription, or several merged.
type feed interface {
	// enter makes the caller the only user, until leave.
	enter() error
	leave()
	// look takes what is there: a batch with something left, or the next event, or
	// ErrEmpty. It takes so many messages at most, or as many as came of late if want is 0.
	look(want int) (*batch, error)
	// await waits for it.
	await(ctx context.Context, want int) (*batch, error)
}

func nextOf(f feed, ctx context.Context) (m *Message, err error) {
	if err := f.enter(); err != nil {
		return nil, err
	}
	b, err := f.await(ctx, 0)
	if err == nil {
		m = b.pop()
	}
	f.leave()
	return m, err
}

func tryNextOf(f feed) (m *Message, err error) {
	if err := f.enter(); err != nil {
		return nil, err
	}
	b, err := f.look(0)
	if err == nil {
		m = b.pop()
	}
	f.leave()
	return m, err
}

// awaitIn is await of a loop, which ends with its context also where there is always
// something to read.
func awaitIn(f feed, ctx context.Context) (*batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f.await(ctx, 0)
}

func messagesOf(f feed, ctx context.Context) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		if err := f.enter(); err != nil {
			yield(nil, err)
			return
		}
		defer f.leave()
		for {
			b, err := awaitIn(f, ctx)
			if err != nil {
				if err == ErrClosed || !yield(nil, err) || !IsEvent(err) {
					return
				}
				continue
			}
			for ms, at := b.messages[:b.have], b.next; at < len(ms) && b.may(at); at++ {
				b.next = at + 1 // first: the loop may end by a panic, too
				if !yield(&ms[at], nil) {
					return
				}
			}
		}
	}
}

func handleOf(f feed, ctx context.Context, handler func(m *Message, event error) error) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.leave()
	for {
		b, err := awaitIn(f, ctx)
		if err == ErrClosed {
			return nil
		}
		if err != nil {
			if !IsEvent(err) {
				return err
			}
			if err := handler(nil, err); err != nil {
				return err
			}
			continue
		}
		for ms, at := b.messages[:b.have], b.next; at < len(ms) && b.may(at); at++ {
			b.next = at + 1
			if err := handler(&ms[at], nil); err != nil {
				return err
			}
			ms[at].Done()
		}
	}
}

func pollOf(f feed, most int, handler func(*Message)) (n int, err error) {
	if err := f.enter(); err != nil {
		return 0, err
	}
	defer f.leave()
	for n < most {
		b, err := f.look(most - n)
		if err == ErrEmpty {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		for n < most && b.left() {
			m := b.pop()
			handler(m)
			m.Done()
			n++
		}
	}
	return n, nil
}
