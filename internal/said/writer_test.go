package said

import (
	"bytes"
	"errors"
	"testing"
)

// failing fails its second write, and no other.
type failing struct {
	bytes.Buffer
	writes int
}

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.writes++; f.writes == 2 {
		return 0, errFull
	}
	return f.Buffer.Write(p)
}

func TestFirstErrorStays(t *testing.T) {
	var to failing
	w := Writer{To: &to}
	for _, text := range []string{"a", "b", "c"} {
		_, _ = w.Write([]byte(text))
	}
	if to.String() != "ac" || !errors.Is(w.Err, errFull) {
		t.Errorf("wrote %q, error %v: want what could be written, and the error between", to.String(), w.Err)
	}
}
