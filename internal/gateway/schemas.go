package gateway

import (
	"cmp"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/flatjson"
	"github.com/ringcast/ringcast/shm"
)

// What a payload is, where a service has other schemas for its requests and its replies.
// They end the names of files: no name of a topic has an @.
const (
	asMessage = ""
	asRequest = "@request"
	asReply   = "@reply"
)

// maxSchemas is how many files of schemas are read.
const maxSchemas = 1024

// schemas are those that are registered: of FlatBuffers that go as JSON to and from clients.
// They are never changed, and safe for concurrent use. Nil has none.
type schemas struct {
	exact    map[string]*flatjson.Schema // by name and what the payload is
	patterns []patternSchema             // the one that says most comes first
}

type patternSchema struct {
	pattern, role string
	schema        *flatjson.Schema
}

// readSchemas reads NAME.bfbs, NAME@request.bfbs and NAME@reply.bfbs of a folder, where NAME
// may be a pattern. Other files are not looked at.
func readSchemas(folder string) (*schemas, error) {
	s := &schemas{exact: map[string]*flatjson.Schema{}}
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

func (s *schemas) add(path, stem string) error {
	name, role := stem, asMessage
	if at := strings.IndexByte(stem, '@'); at >= 0 {
		name, role = stem[:at], stem[at:]
	}
	if role != asMessage && role != asRequest && role != asReply {
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

// of returns the schema for what a name has, nil where none is registered: of the name itself
// before patterns, and of the role before that of both.
func (s *schemas) of(name, role string) *flatjson.Schema {
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
		case p.role == asMessage && both == nil:
			both = p.schema
		}
	}
	return both
}

// root is the name of the root table for what a name has, empty where there is none.
func (s *schemas) root(name, role string) string {
	if one := s.of(name, role); one != nil {
		return one.Root()
	}
	return ""
}

// jsonLimit bounds the JSON of a payload, since a FlatBuffer may show one part many times.
func jsonLimit(payload []byte) int { return 64<<10 + 16*len(payload) }

// asJSON says whether a body is JSON to be turned into a FlatBuffer: where the client says
// so, or says that it is JSON and the name has a schema.
func (g *Gateway) asJSON(r *http.Request, content, name, role string) bool {
	if content != "" {
		return content == "json"
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == kindJSON && g.schemas.of(name, role) != nil
}

// payloadFor makes a payload of a body that is for a name.
func (g *Gateway) payloadFor(r *http.Request, content, name, role string, b []byte) ([]byte, ringcast.Marks, error) {
	if g.asJSON(r, content, name, role) {
		return g.buildPayload(name, role, b)
	}
	return payloadOf(content, b)
}

// buildPayload makes a FlatBuffer of JSON.
func (g *Gateway) buildPayload(name, role string, text []byte) ([]byte, ringcast.Marks, error) {
	marks := ringcast.Marks{Content: ringcast.ContentFlatBuffer}
	schema := g.schemas.of(name, role)
	if schema == nil {
		return nil, marks, badRequest("content json: no schema is registered for %s (ringcast gateway --schemas)", clip(name))
	}
	b, err := schema.Build(text, maxPayload)
	if err != nil {
		return nil, marks, badRequest("%s: %v", schema.Root(), err)
	}
	return b, marks, nil
}

// wantsJSON reports whether a client asks for JSON by its header.
func wantsJSON(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if kind, _, _ := strings.Cut(part, ";"); strings.TrimSpace(kind) == kindJSON {
			return true
		}
	}
	return false
}
