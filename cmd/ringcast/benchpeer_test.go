package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAgainst measures ours beside a peer that every host has, sockets of the kernel, as a user would: its real
// program, built here, lies in the folder peers beside the tool.
func TestAgainst(t *testing.T) {
	t.Setenv(toolVariable, "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tool, program := filepath.Join(dir, "ringcast"), filepath.Join(dir, "peers", "unix-node")
	code, err := os.ReadFile(self) // a link would lead back to where it lies
	if err == nil {
		err = os.WriteFile(tool, code, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Dir(program), 0o750); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cc", "-std=gnu11", "-O1", "-o", program, "../../bench/peers/unix/unix.c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, scenario := range []string{"pingpong", "oneway"} {
		args := append([]string{"bench", scenario, "--json", "--shm-dir", dir, "--against", "unix", "--pairs", "1"}, brief...)
		out, err := exec.Command(tool, args...).Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", scenario, err, stderrOf(err))
		}
		var r ratio
		first, _, _ := strings.Cut(string(out), "\n")
		if err := json.Unmarshal([]byte(first), &r); err != nil || r.Peer != "unix" || r.What != "rate" {
			t.Fatalf("%s: first line %q, %v", scenario, first, err)
		}
		if r.Pairs+r.Lost == 0 || r.Pairs > 0 && (r.Ours <= 0 || r.Theirs <= 0 || r.Ratio <= 0) {
			t.Errorf("%s: %+v", scenario, r)
		}
	}
	out, err := exec.Command(tool, "bench", "pingpong", "--against", "nats").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "make peer-nats") {
		t.Errorf("a peer that is not built: %q, %v", out, err)
	}
}

func stderrOf(err error) string {
	if e, ok := err.(*exec.ExitError); ok {
		return string(e.Stderr)
	}
	return ""
}
