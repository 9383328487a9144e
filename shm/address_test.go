package shm

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

var addresses = []struct {
	address Address
	text    string
}{
	{Address{Node: 7, Epoch: 0x1f03, Index: 12, Generation: 5}, "n7-1f03.12.5"},
	{Address{Node: 7, Epoch: 0x1f03, Index: 12, Generation: 5, Handle: 3}, "n7-1f03.12.5:3"},
	{Address{}, "n0-0.0.0"},
	{Address{1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<16 - 1, 1<<16 - 1}, "n4294967295-ffffffff.65535.4294967295:65535"},
}

func TestAddressText(t *testing.T) {
	for _, c := range addresses {
		if got := c.address.String(); got != c.text {
			t.Errorf("String = %q, want %q", got, c.text)
		}
		if got, err := ParseAddress(c.text); err != nil || got != c.address {
			t.Errorf("ParseAddress(%q) = %+v, %v", c.text, got, err)
		}
	}
	for _, text := range []string{"", "n", "7-1f03.12.5", "n7-1f03.12", "n7.1f03.12.5", "n7-1f03.12.5.6", "n7-1f03.65536.5",
		"n4294967296-1.1.1", "n7-1F03.12.5", "n07-1f03.12.5", "n7-1f03.12.5:0", "n7-1f03.12.5:", "n7-1f03.12.-5", " n7-1f03.12.5", "n+7-1.1.1"} {
		if _, err := ParseAddress(text); !errors.Is(err, ErrBadAddress) {
			t.Errorf("ParseAddress(%q) = %v", text, err)
		}
	}
}

func TestAddressBytes(t *testing.T) {
	a := Address{Node: 0x01020304, Epoch: 0x11121314, Generation: 0x21222324, Index: 0x3132, Handle: 0x4142}
	b := a.AppendTo([]byte("x"))
	if got := hex.EncodeToString(b[1:]); got != "04030201141312112423222132314241" || b[0] != 'x' {
		t.Errorf("bytes = %s", got)
	}
	if got := ReadAddress(b[1:]); got != a {
		t.Errorf("read %+v", got)
	}
	if got := a.Participant(); got.Handle != 0 || got.Index != a.Index || got.IsZero() || !(Address{}).IsZero() {
		t.Errorf("participant = %+v", got)
	}
	var room [16]byte
	if n := testing.AllocsPerRun(100, func() { a.Put(room[:]); a = ReadAddress(room[:]) }); n != 0 {
		t.Errorf("Put and ReadAddress allocate %v times", n)
	}
}

func FuzzAddress(f *testing.F) {
	for _, c := range addresses {
		f.Add(c.text, c.address.AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		if a, err := ParseAddress(text); err == nil && a.String() != text {
			t.Errorf("%q is not the text of %+v", text, a)
		}
		if len(raw) < 16 {
			return
		}
		a := ReadAddress(raw)
		if !bytes.Equal(a.AppendTo(nil), raw[:16]) {
			t.Errorf("%x does not survive", raw[:16])
		}
		if back, err := ParseAddress(a.String()); err != nil || back != a {
			t.Errorf("%v does not survive: %v", a, err)
		}
	})
}
