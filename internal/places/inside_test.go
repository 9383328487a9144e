package places

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// inside runs the present test once more, as root of a user namespace that unshare(1)
// makes with these flags, and takes its verdict. Where the system makes none the
// test ends here with a word: TestRightsOfOneUser and TestPidNamespaces then show
// what one user can show.
func inside(t *testing.T, flags ...string) {
	t.Helper()
	flags = append(flags, "--map-root-user", "--kill-child")
	if out, err := exec.Command("unshare", append(flags, "true")...).CombinedOutput(); err != nil {
		t.Logf("run as root for this test: no user namespace with several ids: %v %s", err, out)
		return
	}
	args := append(flags, os.Args[0], "-test.run", "^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
	out, err := exec.Command("unshare", args...).CombinedOutput()
	t.Logf("as root of a user namespace:\n%s", out)
	if err != nil {
		t.Errorf("%v", err)
	}
}
