package guard

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	l := Limit{Rate: 10, Burst: 5}
	var b Bucket
	take := func(now time.Duration) (n int) {
		for b.Take(now, l) {
			n++
		}
		return n
	}
	for _, step := range []struct {
		now  time.Duration
		want int
	}{
		{time.Hour, 5}, {time.Hour, 0}, {time.Hour + 99*time.Millisecond, 0}, {time.Hour + 100*time.Millisecond, 1},
		{time.Minute, 0}, {time.Hour + 400*time.Millisecond, 3}, {2 * time.Hour, 5},
	} {
		if got := take(step.now); got != step.want {
			t.Errorf("at %v: %d tokens, want %d", step.now, got, step.want)
		}
	}
}

// Who stays within the limit is never set apart, whatever the instants are.
func TestWithinTheLimit(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := Limit{Rate: 1 + 1000*r.Float64(), Burst: 2 + float64(r.IntN(100))}
		table := NewTable[int](4, l)
		now := time.Duration(r.Int64N(1 << 50))
		for range 1000 {
			now += time.Duration(float64(time.Second)/l.Rate*(1+r.Float64())) + 1
			if table.Note(now, 7, 0) {
				t.Fatalf("seed %d: %+v: set apart within its rate", seed, l)
			}
		}
		for range int(l.Burst) - 1 {
			if table.Note(now, 8, 0) {
				t.Fatalf("seed %d: %+v: set apart within its burst", seed, l)
			}
		}
	}
}

// A quarantine ends by itself, is longer with each return, and is forgiven.
func TestQuarantineGrows(t *testing.T) {
	table := NewTable[string](4, Limit{}, Limit{Rate: 1, Burst: 10})
	now := time.Duration(0)
	flood := func() time.Duration {
		for range 1000 {
			if table.Note(now, "x", 0) {
				t.Fatal("a kind without a limit")
			}
			if table.Note(now, "x", 1) {
				return table.Due() - now
			}
		}
		t.Fatal("a flood is not noticed")
		return 0
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 64, 64} {
		if d := flood(); d != want*time.Second {
			t.Fatalf("quarantine %d lasts %v, want %d s", i+1, d, want)
		}
		if !table.Held("x") || table.Held("y") {
			t.Fatal("held", table.Held("x"), table.Held("y"))
		}
		now = table.Due() - 1
		table.Release(now, func(Entry[string]) { t.Fatal("released before its time") })
		now++
		ended := 0
		table.Release(now, func(e Entry[string]) {
			ended++
			if e.Key != "x" || e.Kind != 1 || e.Times != i+1 || e.Ignored != 1 {
				t.Fatalf("%+v", e)
			}
		})
		if ended != 1 || table.Held("x") || len(table.List(nil)) != 0 {
			t.Fatalf("%d released, %v", ended, table.List(nil))
		}
	}
	now += Forgiven
	if d := flood(); d != First {
		t.Fatalf("after all was forgiven: %v", d)
	}
}

// Sources without end take no memory beyond the bound, and nobody out of quarantine by that,
// as long as others are to be had.
func TestMadeUpSources(t *testing.T) {
	table := NewTable[uint64](64, Limit{Rate: 1, Burst: 2})
	for range 3 {
		table.Note(0, 1, 0)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 100_000 {
		table.Note(time.Duration(i), r.Uint64()|2, 0)
	}
	if table.Len() != 64 || len(table.index) != 64 {
		t.Errorf("%d rows, %d in the index", table.Len(), len(table.index))
	}
	if !table.Held(1) {
		t.Error("a flood of others has released a source")
	}
	held := NewTable[uint64](16, Limit{Rate: 1, Burst: 1})
	for i := range uint64(1000) { // all in quarantine: the bound holds, and the count of them
		held.Note(0, i, 0)
		held.Note(0, i, 0)
	}
	if held.Len() != 16 || len(held.List(nil)) != held.held || held.held > 16 {
		t.Errorf("%d rows, %d held, %d counted", held.Len(), len(held.List(nil)), held.held)
	}
}
