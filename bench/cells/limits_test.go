package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExperiments runs the programs that decisions were measured by, each setting once, as far as any processor can: a figure
// comes out, and no message is lost or spoilt, which they look at themselves.
func TestExperiments(t *testing.T) {
	dir := buildLimits(t)
	short := []string{"--duration-ns", "2000000", "--warmup-ns", "1000000"}
	run := func(command string) {
		t.Helper()
		f := strings.Fields(command)
		out, err := exec.Command(filepath.Join(dir, f[0]), append(f[1:], short...)...).CombinedOutput()
		var figure struct{ Rate float64 }
		if err != nil || json.Unmarshal(out, &figure) != nil || figure.Rate <= 0 {
			t.Errorf("%s: %v: %s", command, err, out)
		}
	}
	for _, with := range []string{"head=32,stride=96", "tail=1", "tail=2,locked=3", "stores=20,kept=20", "fence=1", "width=8", "copy=1", "copy=2",
		"written=0,read=0", "ahead=2", "ask=2", "burst=1", "lease=64", "want=16,ample=64", "linger=0", "laps=1", "answer=512", "clocks=0"} {
		for _, scenario := range []string{"stream", "pingpong", "alone"} {
			run("steps --size 64 --scenario " + scenario + " --with " + with)
		}
	}
	for _, with := range []string{"locked=0", "words=0", "ahead=0", "poll=0", "poll=2", "want=64,yields=8", "ample=2", "lease=16", "ask=2"} {
		run("crowd --readers 2 --size 256 --with " + with)
	}
	run("ticks --readers 2 --wait yield")
	run("ticks --producers 2 --rate 50000 --pin 0,0")
	out, err := exec.Command(filepath.Join(dir, "lead"), "--pin", "0,1", "--duration-ns", "12000000", "--with", "turn=1", "64:64", "1024:1024:64", "256:4:1:2").CombinedOutput()
	if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || len(lines) < 3 {
		t.Errorf("lead: %v: %s", err, out)
	}
	if out, err := exec.Command(filepath.Join(dir, "steps"), "--with", "nonsense=1").CombinedOutput(); err == nil || !strings.Contains(string(out), "unknown setting") {
		t.Errorf("a setting that there is not: %v: %s", err, out)
	}
}
