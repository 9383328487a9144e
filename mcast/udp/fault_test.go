//go:build linux

package udp

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const everyFault = "loss=0.01,dup=0.001,reorder=0.01,delay=200us,burst=4,seed=7,side=both"

func TestParseFault(t *testing.T) {
	for text, want := range map[string]FaultConfig{
		"":   {},
		"  ": {},
		everyFault: {Loss: 0.01, Duplicate: 0.001, Reorder: 0.01, Delay: 200 * time.Microsecond,
			Burst: 4, Seed: 7, Side: SideBoth},
		" side=tx , loss=1": {Loss: 1, Side: SideSend},
		"side=rx,seed=0":    {},
		"loss=0":            {},
		"delay=1s":          {Delay: time.Second},
	} {
		got, err := ParseFault(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
		if again, err := ParseFault(got.String()); err != nil || again != got {
			t.Errorf("%q: written as %q, read as %+v, %v", text, got, again, err)
		}
	}
}

func TestParseFaultErrorsTeach(t *testing.T) {
	for text, want := range map[string]string{
		"loss":            `"loss": is not of the form key=value, such as loss=0.01, dup=0.001, reorder=0.01, delay=200us, burst=4, seed=7, side=rx`,
		"loss=1%":         `fault loss: "1%" is not a share between 0 and 1 (1 % is 0.01)`,
		"loss=5":          "fault loss: 5 is not a share between 0 and 1",
		"loss=NaN":        "NaN is not a share",
		"dup=-0.1":        "fault dup: -0.1 is not",
		"reorder=x":       `fault reorder: "x" is not a share`,
		"lose=0.1":        `"lose": is not known; there are loss=0.01, dup`,
		"loss=0,loss=0":   "fault loss: is given twice",
		"delay=200":       "with its unit, such as 200us",
		"delay=2s":        "fault delay: 2s is not in 0..1s",
		"delay=-1ms":      "fault delay: -1ms",
		"loss=.1,burst=0": `fault burst: "0" is not a count in 1..10000`,
		"loss=.1,burst=x": `"x" is not a count`,
		"burst=4":         "means nothing without loss=",
		"seed=-1":         `fault seed: "-1" is not a whole number`,
		"side=left":       `fault side: "left" is not one of rx, tx, both`,
		"loss=0.1,":       `is not of the form key=value`,
	} {
		got, err := ParseFault(text)
		var ce *ConfigError
		if !errors.As(err, &ce) || !strings.Contains(err.Error(), want) || got != (FaultConfig{}) {
			t.Errorf("%q: %v\nwant ...%s...", text, err, want)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	for _, s := range []string{"", everyFault, "loss=1e-3", "loss=0x1p-4,burst=9", "delay=1h", "side=", "=,=", "loss=0.1,loss=0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseFault(text)
		if err != nil {
			if err.Error() == "" || c != (FaultConfig{}) {
				t.Fatalf("%q: %+v with error %q", text, c, err)
			}
			return
		}
		if err := c.validate(); err != nil {
			t.Fatalf("%q is accepted but not valid: %v", text, err)
		}
		again, err := ParseFault(c.String())
		if err != nil || again != c {
			t.Fatalf("%q: %+v is written as %q, read as %+v, %v", text, c, c, again, err)
		}
		newFaultLayer(&c, SideReceive, new(FaultCounters))
	})
}
