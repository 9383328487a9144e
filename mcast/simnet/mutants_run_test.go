//go:build !mutants

package simnet

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// The broken builds are built apart, so that nothing of them is in the production
// code: this runs their test.
func TestMutantsAreCaught(t *testing.T) {
	tool := filepath.Join(runtime.GOROOT(), "bin", "go")
	if p, err := exec.LookPath("go"); err == nil {
		tool = p
	}
	out, err := exec.Command(tool, "test", "-tags", "mutants", "-count=1", "-v", "-run", "TestMutants", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("broken builds: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}
