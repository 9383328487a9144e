package gateway

import (
	"io/fs"
	"strings"
	"testing"
)

// TestPageIsWhole: each file that the page names is there, and none is asked of others.
func TestPageIsWhole(t *testing.T) {
	s := open(t, &Config{Tokens: []string{"secret"}})
	index := s.do("GET", "/", "")
	if index.status != 200 || index.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(index.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %q", index.status, index.header)
	}
	files, err := fs.Glob(pageFiles, "page/*")
	if err != nil || len(files) < 3 {
		t.Fatalf("%q, %v", files, err)
	}
	all := ""
	for _, name := range files {
		a := s.do("GET", "/v1/"+name, "")
		b, err := pageFiles.ReadFile(name)
		if err != nil || a.status != 200 || a.body != string(b) || a.header.Get("Content-Type") == "" {
			t.Errorf("%s: %d of %q, %v", name, a.status, a.header, err)
		}
		all += a.body
	}
	for _, name := range files {
		if base := strings.TrimPrefix(name, "page/"); base != "index.html" && !strings.Contains(all, "/"+base+`"`) {
			t.Errorf("nobody uses %s", base)
		}
	}
	if at := strings.Index(strings.ReplaceAll(all, "http://www.w3.org/2000/svg", ""), "://"); at >= 0 {
		t.Error("the page names an address of others")
	}
}
