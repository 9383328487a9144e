package wire

import "testing"

// Each change of a good Probe is refused for its own reason.
func TestProbeRefusals(t *testing.T) {
	s := samples()
	for _, c := range []struct {
		name, frame string
		change      func(b []byte) []byte
		want        Reason
	}{
		{"a probe of another size", "probe", func(b []byte) []byte { b[48]++; return b }, BadSize},
		{"a probe smaller than its head", "probe", func(b []byte) []byte { b[48] = 40; return b }, BadRange},
		{"a probe that is half an echo", "probe", func(b []byte) []byte { b[40] = 1; return b }, BadRange},
		{"a probe filled with something", "probe", func(b []byte) []byte { b[99] = 1; return b }, BadReserved},
		{"reserved bytes of a probe", "probe", func(b []byte) []byte { b[52] = 1; return b }, BadReserved},
		{"a probe flag", "probe", func(b []byte) []byte { b[51] = 1; return b }, BadFlags},
		{"an echo that is filled", "probe-echo", func(b []byte) []byte { return end(append(b, 0)) }, BadSize},
		{"an echo of nothing", "probe-echo", func(b []byte) []byte { b[40] = 0; return b }, BadRange},
		{"an echo to nobody", "probe-echo", func(b []byte) []byte { copy(b[32:40], make([]byte, 8)); return b }, BadRange},
	} {
		b := c.change(append([]byte(nil), s[c.frame]...))
		var p parsed
		if r := parse(b, &p); r != c.want {
			t.Errorf("%s: %q, want %q", c.name, r, c.want)
		}
	}
}
