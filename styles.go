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
	// poll takes the next message or event, or is ErrEmpty.
	poll() (*Message, error)
	// next waits for it.
	next(ctx context.Context) (*Message, error)
}

func nextOf(f feed, ctx context.Context) (*Message, error) {
	if err := f.enter(); err != nil {
		return nil, err
	}
	m, err := f.next(ctx)
	f.leave()
	return m, err
}

func tryNextOf(f feed) (*Message, error) {
	if err := f.enter(); err != nil {
		return nil, err
	}
	m, err := f.poll()
	f.leave()
	return m, err
}

func messagesOf(f feed, ctx context.Context) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		if err := f.enter(); err != nil {
			yield(nil, err)
			return
		}
		defer f.leave()
		for {
			m, err := f.next(ctx)
			if err == ErrClosed || !yield(m, err) || err != nil && !IsEvent(err) {
				return
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
		m, err := f.next(ctx)
		if err == ErrClosed {
			return nil
		}
		if err != nil && !IsEvent(err) {
			return err
		}
		if err := handler(m, err); err != nil {
			return err
		}
		if m != nil {
			m.Done()
		}
	}
}

func pollOf(f feed, most int, handler func(*Message)) (int, error) {
	if err := f.enter(); err != nil {
		return 0, err
	}
	defer f.leave()
	for n := 0; n < most; n++ {
		m, err := f.poll()
		if err == ErrEmpty {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		handler(m)
		m.Done()
	}
	return max(most, 0), nil
}
