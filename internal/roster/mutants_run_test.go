//go:build !mutants

package roster

import (
	"os/exec"
	"testing"
)

// The broken builds are built apart, so that nothing of them is in the production
// code: this runs their test.
func TestMutantsAreCaught(t *testing.T) {
	out, err := exec.Command("go", "test", "-tags", "mutants", "-count=1", "-v", "-run", "TestMutants", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("broken builds: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}
