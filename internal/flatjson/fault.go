package flatjson

import (
	"fmt"
	"strconv"
	"strings"
)

// A FaultError says what is wrong with a schema, a payload or a text, and where.
type FaultError struct {
	// Path leads from the root table to the place; empty at the root itself.
	Path string
	// Reason is what is wrong there.
	Reason string
}

func (e *FaultError) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// A trail is the way from the root to what is looked at, and the first fault on it.
type trail struct {
	steps []step
	fault *FaultError
}

// A step is a field, or an element where the name is empty.
type step struct {
	name  string
	index int
}

// maxDepth is how deep tables may nest, as in the verifiers of FlatBuffers.
const maxDepth = 64

// maxClip bounds what of the input an error shows.
const maxClip = 40

func (t *trail) enter(name string) { t.steps = append(t.steps, step{name: name}) }
func (t *trail) element(i int)     { t.steps = append(t.steps, step{index: i}) }
func (t *trail) leave()            { t.steps = t.steps[:len(t.steps)-1] }
func (t *trail) ok() bool          { return t.fault == nil }
func (t *trail) fail(f string, a ...any) {
	if t.fault == nil {
		t.fault = &FaultError{Path: t.String(), Reason: fmt.Sprintf(f, a...)}
	}
}

func (t *trail) err() error {
	if t.fault == nil {
		return nil
	}
	return t.fault
}

func (t *trail) String() string {
	var b strings.Builder
	for _, s := range t.steps {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case b.Len() > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return b.String()
}

func clip(text []byte) string {
	if len(text) > maxClip {
		return string(text[:maxClip]) + "..."
	}
	return string(text)
}
