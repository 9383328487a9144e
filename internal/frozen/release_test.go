package frozen

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// earlier is the commit whose programs are frozen.
const earlier = "f9dbc72"

// A release is where the programs of one are.
type release struct{ name, bin string }

var (
	scratch  string
	building sync.Once
	built    [2]release // the earlier one, and this one
	failure  error
)

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "ringcast-frozen-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// releases builds the programs of both, once.
func releases(t *testing.T) [2]release {
	t.Helper()
	building.Do(func() {
		source, err := sources()
		if failure = err; err != nil {
			return
		}
		built = [2]release{{earlier, filepath.Join(scratch, "earlier")}, {"this", filepath.Join(scratch, "this")}}
		failure = errors.Join(build(source, built[0].bin), build("../..", built[1].bin, "-tags", "invariants"))
	})
	if failure != nil {
		t.Fatal(failure)
	}
	return built
}

// sources unpacks the earlier release below .tools, where the next run finds it: the compiler's
// cache knows packages by their place. A part of it is never seen under that name.
func sources() (string, error) {
	tools, err := filepath.Abs("../../.tools/frozen")
	if err != nil {
		return "", err
	}
	place, part := filepath.Join(tools, earlier), filepath.Join(tools, filepath.Base(scratch))
	if _, err := os.Stat(place); err == nil {
		return place, nil
	}
	if err := unpack(filepath.Join("testdata", earlier+".tar.bz2"), part); err != nil {
		return "", err
	}
	if err := os.Rename(part, place); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return place, nil
}

// build builds the programs of a tree. Those of this release are built with the flags that CI's unit tests have:
// most of them is in the compiler's cache then.
func build(tree, bin string, flags ...string) error {
	if err := os.Mkdir(bin, 0o700); err != nil {
		return err
	}
	args := append([]string{"build", "-buildvcs=false", "-o", bin}, flags...)
	cmd := exec.Command("go", append(args, "./cmd/ringcast", "./cmd/ringcastd")...)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", tree, err, out)
	}
	return nil
}

// unpack writes the files of an archive below a directory.
func unpack(archive, dir string) error {
	packed, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	for r := tar.NewReader(bzip2.NewReader(bytes.NewReader(packed))); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(dir, h.Name)
		content, err := io.ReadAll(r)
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600))
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", archive, h.Name, err)
		}
	}
}
