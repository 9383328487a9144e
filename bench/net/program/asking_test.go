package program

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// echo answers with what was asked, written anew.
func echo(size int) Asker {
	answer := make([]byte, size)
	return func(_ context.Context, request []byte) ([]byte, error) { return answer, Answer(request, answer) }
}

func inquirerOf(ask Asker) *inquirer {
	return &inquirer{ask: ask, request: make([]byte, 64), times: hdrhistogram.New(1, int64(time.Hour), 3)}
}

// TestInquirer counts round trips that end within the window alone.
func TestInquirer(t *testing.T) {
	q := inquirerOf(echo(64))
	soon := Now() + uint64(time.Millisecond)
	if err := q.repeat(t.Context(), soon, soon, soon); err != nil || q.times.TotalCount() != 0 || q.tag == 0 {
		t.Errorf("before the window: %d counted of %d, %v", q.times.TotalCount(), q.tag, err)
	}
	before := q.tag
	soon = Now() + uint64(10*time.Millisecond)
	if err := q.repeat(t.Context(), 0, soon, soon); err != nil {
		t.Fatal(err)
	}
	if made := int64(q.tag - before); q.times.TotalCount() < made-1 || made < 1 {
		t.Errorf("%d counted of %d", q.times.TotalCount(), made)
	}
	line := answered([]*inquirer{q, inquirerOf(nil)}, 10*time.Millisecond)
	if line["received"] != q.times.TotalCount() || line["ended"] != true || line["p50"].(int64) < 1 {
		t.Errorf("line %v", line)
	}
}

// TestInquirerRefuses what is not the answer to its request.
func TestInquirerRefuses(t *testing.T) {
	gone := errors.New("gone")
	old := make([]byte, 64)
	for name, ask := range map[string]Asker{
		"an error":     func(context.Context, []byte) ([]byte, error) { return nil, gone },
		"another size": func(_ context.Context, b []byte) ([]byte, error) { return b[:32], nil },
		"an answer of before": func(context.Context, []byte) ([]byte, error) {
			return old, Answer(message(&Work{Compressible: true}, 64, 7, 0), old)
		},
		"a changed byte": func(_ context.Context, b []byte) ([]byte, error) { b[40]++; return b, nil },
	} {
		if _, err := inquirerOf(ask).once(t.Context()); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if Answer(old[:32], make([]byte, 64)) == nil {
		t.Error("a request of another size was answered")
	}
}
