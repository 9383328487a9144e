package examples

import (
	"bufio"
	"path/filepath"
	"strings"
	"testing"
)

// TestRequests asks each server of the examples with each client: C and C++.
func TestRequests(t *testing.T) {
	build := makeC(t, "examples", "build-examples/ringcast-cpp-serve", "build-examples/ringcast-cpp-request")
	for _, server := range []string{"ringcast-serve", "ringcast-cpp-serve"} {
		for _, client := range []string{"ringcast-request", "ringcast-cpp-request"} {
			t.Run(client+" asks "+server, func(t *testing.T) {
				ask(t, filepath.Join(build, server), filepath.Join(build, client))
			})
		}
	}
}

// ask starts a server and asks it two lines and an empty one.
func ask(t *testing.T, server, client string) {
	dir := t.TempDir()
	serve := command(t, dir, server, "capitals")
	in, err := serve.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(said).ReadString('\n'); line != "serving capitals\n" {
		t.Fatalf("%s says %q: %v", server, line, err)
	}
	request := command(t, dir, client, "capitals")
	request.Stdin = strings.NewReader("hello\n\nworld\n")
	got := strings.Split(strings.TrimSpace(output(t, request)), "\n")
	if len(got) != 3 || got[0] != "HELLO" || !strings.HasSuffix(got[1], "nothing to write in capitals") || got[2] != "WORLD" {
		t.Errorf("%s prints %q", client, got)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := serve.Wait(); err != nil {
		t.Errorf("%s: %v", server, err)
	}
}
