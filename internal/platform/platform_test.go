package platform_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

const (
	supported = "Ringcast runs on linux/amd64 and linux/arm64: "
	itself    = "github.com/ringcast/ringcast/internal/platform"
)

// goFor runs the go command for a target.
func goFor(t *testing.T, target string, args ...string) (string, error) {
	t.Helper()
	system, processor, _ := strings.Cut(target, "/")
	cmd := exec.Command("go", args...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestOtherTargetsAreRefused: the compiler says what is supported, and why this is
// not, and nothing else.
func TestOtherTargetsAreRefused(t *testing.T) {
	for target, reason := range map[string]string{
		"linux/386":     "this processor has 32 bits",
		"linux/arm":     "this processor has 32 bits",
		"linux/mipsle":  "this processor has 32 bits",
		"linux/s390x":   "this processor is big endian",
		"linux/ppc64":   "this processor is big endian",
		"linux/riscv64": "orders of memory",
		"linux/ppc64le": "orders of memory",
		"darwin/arm64":  "this is not Linux",
		"freebsd/amd64": "this is not Linux",
		"windows/amd64": "this is not Linux",
	} {
		t.Run(target, func(t *testing.T) {
			out, err := goFor(t, target, "build", "./internal/platform")
			if err == nil {
				t.Fatal("it was compiled")
			}
			for _, want := range []string{supported, reason} {
				if !strings.Contains(out, want) {
					t.Errorf("the compiler does not say %q: %s", want, out)
				}
			}
			if n := strings.Count(out, "\n"); n != 2 { // the package, and one error
				t.Errorf("%d lines: %s", n, out)
			}
		})
	}
}

// TestSupportedTargetsBuild compiles the package itself for what is supported; that
// everything else is, too, is a step of make test.
func TestSupportedTargetsBuild(t *testing.T) {
	for _, target := range []string{"linux/amd64", "linux/arm64"} {
		if out, err := goFor(t, target, "build", "./internal/platform"); err != nil {
			t.Errorf("%s: %s", target, out)
		}
	}
}

// TestWhateverUsesSegmentsIsRefused: the programs and packages that touch a segment
// depend on this package, and nothing fails to load before it is compiled.
func TestWhateverUsesSegmentsIsRefused(t *testing.T) {
	for _, target := range []string{"linux/386", "darwin/arm64", "windows/amd64"} {
		for _, user := range []string{"./shm", "./ring", ".", "./internal/forward", "./cmd/ringcast", "./cmd/ringcastd"} {
			out, err := goFor(t, target, "list", "-deps", user)
			if err != nil {
				t.Errorf("%s for %s cannot be loaded (a file that imports x/sys/unix needs //go:build linux): %s", user, target, out)
			} else if !strings.Contains(out, itself+"\n") {
				t.Errorf("%s for %s does without %s", user, target, itself)
			}
		}
	}
}
