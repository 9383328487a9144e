package golden

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
)

// Print reads the image of every struct in folder (testdata) through flatc's accessors,
// and prints a line for each scalar: the struct's name, a dot, the field's path, a space, and
// the value in decimal. It reads files, and allocates. It is safe for concurrent use.
func Print(out io.Writer, folder string) error {
	b := bufio.NewWriter(out)
	for _, name := range slices.Sorted(maps.Keys(structures)) {
		image, err := os.ReadFile(filepath.Join(folder, name+".bin"))
		if err != nil {
			return err
		}
		s := structures[name]
		if len(image) != s.size {
			return fmt.Errorf("%s has %d bytes, want an image of %d", name, len(image), s.size)
		}
		a := s.accessor()
		a.Init(image, 0)
		if err := printAccessor(b, reflect.ValueOf(a), name, name+"."); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return b.Flush()
}

// printAccessor prints the fields of an accessor in the form of the images.
func printAccessor(b io.Writer, a reflect.Value, name, prefix string) error {
	for _, m := range structures[name].members {
		method := a.MethodByName(m.goName)
		if !method.IsValid() {
			return fmt.Errorf("no method %s", m.goName)
		}
		if m.nested != "" {
			inner := method.Call([]reflect.Value{reflect.Zero(method.Type().In(0))})[0]
			if err := printAccessor(b, inner, m.nested, prefix+m.name+"."); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(b, "%s%s %d\n", prefix, m.name, numberOf(method.Call(nil)[0]))
	}
	return nil
}

func numberOf(v reflect.Value) uint64 {
	if v.CanInt() {
		return uint64(v.Int())
	}
	return v.Uint()
}
