package jsonform

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringcast/ringcast/internal/flatjson"
	"github.com/ringcast/ringcast/shm"
)

// What a payload is, where a service has other schemas for its requests and its replies.
// They end the names of files: no name of a topic has an @.
const (
	AsMessage = ""
	AsRequest = "@request"
	AsReply   = "@reply"
)

// maxSchemas is how many files of schemas are read.
const maxSchemas = 1024

// Schemas are those that are registered: of FlatBuffers that go as JSON to and from people.
// They are never changed, and safe for concurrent use. Nil has none.
type Schemas struct {
	exact    map[string]*flatjson.Schema // by name and what the payload is
	patterns []patternSchema             // the one that says most comes first
}

type patternSchema struct {
	pattern, role string
	schema        *flatjson.Schema
}

// ReadSchemas reads NAME.bfbs, NAME@request.bfbs and NAME@reply.bfbs of a folder, where NAME
// may be a pattern. Other files are not looked at.
func ReadSchemas(folder string) (*Schemas, error) {
	s := &Schemas{exact: map[string]*flatjson.Schema{}}
	list, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("schemas: %w", err)
	}
	for _, one := range list {
		stem, ok := strings.CutSuffix(one.Name(), ".bfbs")
		if !ok {
			continue
		}
		if len(s.exact)+len(s.patterns) == maxSchemas {
			return nil, fmt.Errorf("schemas: more than %d in %s", maxSchemas, folder)
		}
		if err := s.add(filepath.Join(folder, one.Name()), stem); err != nil {
			return nil, fmt.Errorf("schema %s: %w", one.Name(), err)
		}
	}
	slices.SortStableFunc(s.patterns, func(a, b patternSchema) int { return cmp.Compare(weight(b.pattern), weight(a.pattern)) })
	if len(s.exact)+len(s.patterns) == 0 {
		return nil, fmt.Errorf("schemas: no file NAME.bfbs in %s: flatc -b --schema writes them", folder)
	}
	return s, nil
}

// weight says how much a pattern tells: a token that is spelled out more than *, and that
// more than >.
func weight(pattern string) int {
	sum := 0
	for token := range strings.SplitSeq(pattern, ".") {
		switch token {
		case ">":
			sum++
		case "*":
			sum += 2
		default:
			sum += 3
		}
	}
	return sum
}

func (s *Schemas) add(path, stem string) error {
	name, role := stem, AsMessage
	if at := strings.IndexByte(stem, '@'); at >= 0 {
		name, role = stem[:at], stem[at:]
	}
	if role != AsMessage && role != AsRequest && role != AsReply {
		return fmt.Errorf("%s: want @request or @reply behind the name, or nothing", role)
	}
	if err := shm.ValidPattern(name); err != nil {
		return err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	schema, err := flatjson.Parse(b)
	switch {
	case err != nil:
		return err
	case shm.IsPattern(name):
		s.patterns = append(s.patterns, patternSchema{name, role, schema})
	default:
		s.exact[stem] = schema
	}
	return nil
}

// Of returns the schema for what a name has, nil where none is registered: of the name itself
// before patterns, and of the role before that of both.
func (s *Schemas) Of(name, role string) *flatjson.Schema {
	if s == nil {
		return nil
	}
	if one := s.exact[name+role]; one != nil {
		return one
	}
	if one := s.exact[name]; one != nil {
		return one
	}
	var both *flatjson.Schema
	for _, p := range s.patterns {
		switch {
		case !shm.Match(p.pattern, name):
		case p.role == role:
			return p.schema
		case p.role == AsMessage && both == nil:
			both = p.schema
		}
	}
	return both
}

// Root is the name of the root table for what a name has, empty where there is none.
func (s *Schemas) Root(name, role string) string {
	if one := s.Of(name, role); one != nil {
		return one.Root()
	}
	return ""
}

// Limit bounds the JSON of a payload, since a FlatBuffer may show one part many times.
func Limit(payload []byte) int { return 64<<10 + 16*len(payload) }
