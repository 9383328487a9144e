package guard

import (
	"math"
	"time"
)

// Times of a quarantine.
const (
	First = time.Second      // the first of a source
	Last  = 64 * time.Second // the longest
	// Forgiven is how long a source has to behave after a release before the next quarantine
	// is a first one again.
	Forgiven = 2 * time.Minute
)

const (
	// never is later than any time.
	never = time.Duration(math.MaxInt64)
	// lookAt is how many rows are compared to find the one that a new source takes.
	lookAt = 8
)

// A Table knows what each source did lately. K names a source. The sources are bounded: a flood
// from made-up names takes no memory, and of those in quarantine one is given up last. What
// happens depends on the calls alone. A Table must not be used by more than one goroutine at a
// time.
type Table[K comparable] struct {
	limits []Limit // by kind
	most   int
	index  map[K]int
	rows   []row[K]
	hand   int
	held   int           // rows in quarantine
	due    time.Duration // when the first of them is released
	count  Counts
}

// Counts only grow.
type Counts struct {
	Quarantines uint64 // times that one began
	Ignored     uint64 // of what came from those in quarantine
}

type row[K comparable] struct {
	key     K
	buckets []Bucket
	at      time.Duration // of the last note
	till    time.Duration // of the quarantine, the present one or the last; 0: there was none
	held    bool
	kind    int // why
	times   int // quarantines that are not forgiven
	ignored uint64
}

// An Entry is a source in quarantine.
type Entry[K comparable] struct {
	Key     K
	Kind    int           // of what it did too much
	Till    time.Duration // when it will be released
	Times   int           // the how many-th one it is
	Ignored uint64        // what came since it began
}

// NewTable makes a table for at most so many sources, with a limit for each kind.
func NewTable[K comparable](most int, limits ...Limit) *Table[K] {
	return &Table[K]{limits: limits, most: most, index: map[K]int{}, due: never}
}

// Note counts one thing of a kind. It reports whether a quarantine begins with it. A kind whose
// burst is 0 has no limit. It allocates for a source that is new.
func (t *Table[K]) Note(now time.Duration, key K, kind int) (begins bool) {
	if t.limits[kind].Burst == 0 {
		return false
	}
	x := t.row(key)
	x.at = now
	if x.held || x.buckets[kind].Take(now, t.limits[kind]) {
		return false
	}
	if x.till != 0 && now-x.till >= Forgiven {
		x.times = 0
	}
	x.times++
	x.till = now + min(First<<min(x.times-1, 16), Last)
	x.held, x.kind, x.ignored = true, kind, 0
	t.held++
	t.due = min(t.due, x.till)
	t.count.Quarantines++
	return true
}

// Take takes a token of a kind; false: there is none. Nobody is set apart by that. It allocates
// for a source that is new.
func (t *Table[K]) Take(now time.Duration, key K, kind int) bool {
	if t.limits[kind].Burst == 0 {
		return true
	}
	x := t.row(key)
	x.at = now
	return x.buckets[kind].Take(now, t.limits[kind])
}

// Held reports whether a source is in quarantine, and counts what comes from it then. It costs
// nothing while nobody is.
func (t *Table[K]) Held(key K) bool {
	if t.held == 0 {
		return false
	}
	i, known := t.index[key]
	if !known || !t.rows[i].held {
		return false
	}
	t.rows[i].ignored++
	t.count.Ignored++
	return true
}

// Due is when Release has something to do, at the latest; the greatest Duration: never.
func (t *Table[K]) Due() time.Duration { return t.due }

// Release ends each quarantine whose time is over, and calls fn with it.
func (t *Table[K]) Release(now time.Duration, fn func(Entry[K])) {
	if now < t.due {
		return
	}
	t.due = never
	for i := range t.rows {
		x := &t.rows[i]
		switch {
		case !x.held:
		case now < x.till:
			t.due = min(t.due, x.till)
		default:
			x.held = false
			clear(x.buckets)
			t.held--
			fn(x.entry())
		}
	}
}

// List appends those in quarantine.
func (t *Table[K]) List(list []Entry[K]) []Entry[K] {
	for i := range t.rows {
		if t.rows[i].held {
			list = append(list, t.rows[i].entry())
		}
	}
	return list
}

// Len is how many sources are known.
func (t *Table[K]) Len() int { return len(t.rows) }

// Counts returns what was counted so far.
func (t *Table[K]) Counts() Counts { return t.count }

func (x *row[K]) entry() Entry[K] {
	return Entry[K]{Key: x.key, Kind: x.kind, Till: x.till, Times: x.times, Ignored: x.ignored}
}

// row finds the row of a source. A new one takes, where there is no room, that of another one
// that did nothing for long; of one in quarantine only where all that are looked at are.
func (t *Table[K]) row(key K) *row[K] {
	if i, known := t.index[key]; known {
		return &t.rows[i]
	}
	i := len(t.rows)
	if i < t.most {
		t.rows = append(t.rows, row[K]{buckets: make([]Bucket, len(t.limits))})
	} else {
		i = t.oldest()
		delete(t.index, t.rows[i].key)
		if t.rows[i].held {
			t.held--
		}
		clear(t.rows[i].buckets)
	}
	t.index[key] = i
	t.rows[i] = row[K]{key: key, buckets: t.rows[i].buckets}
	return &t.rows[i]
}

// oldest picks a row to be given up.
func (t *Table[K]) oldest() int {
	best := t.hand
	for range min(lookAt, len(t.rows)) {
		if x, y := &t.rows[t.hand], &t.rows[best]; y.held && !x.held || x.held == y.held && x.at < y.at {
			best = t.hand
		}
		t.hand = (t.hand + 1) % len(t.rows)
	}
	return best
}
