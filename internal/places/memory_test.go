package places

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/shm"
)

// private answers the memory that is this process's alone, and that of segments
// resident in it, in kB.
func (a *actor) private([]string) (string, error) {
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return "", err
	}
	private, segments, shared := 0, 0, false
	for _, line := range strings.Split(string(b), "\n") {
		f := strings.Fields(line)
		var kb int
		switch {
		case len(f) >= 5 && strings.Contains(f[0], "-"):
			shared = strings.HasSuffix(f[1], "s")
		case len(f) == 3 && (f[0] == "Private_Clean:" || f[0] == "Private_Dirty:"):
			_, _ = fmt.Sscan(f[1], &kb)
			private += kb
		case len(f) == 3 && f[0] == "Rss:" && shared:
			_, _ = fmt.Sscan(f[1], &kb)
			segments += kb
		}
	}
	return fmt.Sprint(private, " ", segments), nil
}

// lap publishes a lap of whole slots and answers how long the publishes took.
func (a *actor) timedLap([]string) (string, error) {
	payload := make([]byte, 2048)
	took := make([]time.Duration, 1024)
	for i := range took {
		begin := time.Now()
		if err := a.pub.Publish(context.Background(), payload); err != nil {
			return "", err
		}
		took[i] = time.Since(begin)
	}
	slices.Sort(took)
	return fmt.Sprintf("p50 %v, p99 %v, max %v", took[512], took[1013], took[1023]), nil
}

func sums(t *testing.T, p *puppet) (private, segments int) {
	t.Helper()
	if _, err := fmt.Sscan(p.does("private"), &private, &segments); err != nil {
		t.Fatal(err)
	}
	return private, segments
}

// TestMemoryOfATopic: a topic of the default shape is no more than 3 MB, and to attach
// to it makes no more than 1 MB the process's own. With prefault the whole ring is
// resident in it, and no more is its own.
func TestMemoryOfATopic(t *testing.T) {
	for _, setting := range []string{"", "prefault", "huge,prefault,numa=interleave"} {
		t.Setenv(shm.MemoryVariable, setting)
		base := baseFor(t)
		a, b := start(t, "a", nil), start(t, "b", nil)
		a.does("open %s", base)
		a.does("publisher orders")
		first := a.does("lap")
		t.Logf("%q: first lap %s; second %s", setting, first, a.does("lap"))
		var bytes int64
		files, err := filepath.Glob(filepath.Join(base, "default", "topics", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			st, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			bytes += st.Size()
		}
		b.does("open %s", base)
		before, was := sums(t, b)
		b.does("subscribe orders")
		after, is := sums(t, b)
		t.Logf("%q: a topic has %d bytes; to attach adds %d kB private, %d kB of segments", setting, bytes, after-before, is-was)
		if bytes > 3<<20 || after-before > ownMost {
			t.Errorf("%q: more than 3 MB, or %d kB private", setting, ownMost)
		}
		if prefault := strings.Contains(setting, "prefault"); prefault != (int64(is-was)<<10 >= bytes-8192) {
			t.Errorf("%q: %d kB of %d bytes are resident", setting, is-was, bytes)
		}
	}
}
