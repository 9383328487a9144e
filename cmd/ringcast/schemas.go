package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/flatjson"
	"github.com/ringcast/ringcast/internal/jsonform"
	"github.com/spf13/cobra"
)

// A schemaFolder is the folder of schemas by which FlatBuffers are read and written as JSON.
type schemaFolder struct {
	path  string
	known *jsonform.Schemas // nil: none
}

func (s *schemaFolder) flag(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&s.path, "schemas", "", "folder of binary schemas NAME.bfbs, as for the gateway: "+what)
}

// read reads the folder, if there is one.
func (s *schemaFolder) read() (err error) {
	if s.path == "" {
		return nil
	}
	if s.known, err = jsonform.ReadSchemas(s.path); err != nil {
		return usage("--schemas: %w", err)
	}
	return nil
}

// of is the schema of a name, nil where there is none.
func (s *schemaFolder) of(name, role string) *flatjson.Schema { return s.known.Of(name, role) }

// flatBuffer are the marks of what build makes.
var flatBuffer = ringcast.Marks{Content: ringcast.ContentFlatBuffer}

// build makes a FlatBuffer of JSON.
func build(schema *flatjson.Schema, text []byte) ([]byte, error) {
	b, err := schema.Build(text, maxMessage)
	if err != nil {
		return nil, usage("input: no %s: %w", schema.Root(), err)
	}
	return b, nil
}

// show writes a FlatBuffer as a line of JSON, or several.
func show(schema *flatjson.Schema, payload []byte, pretty bool) ([]byte, error) {
	out, err := schema.AppendJSON(nil, payload, jsonform.Limit(payload))
	if err != nil {
		return nil, fmt.Errorf("the reply is no %s: %w", schema.Root(), err)
	}
	if pretty {
		var b bytes.Buffer
		if err := json.Indent(&b, out, "", "  "); err != nil {
			return nil, err
		}
		out = b.Bytes()
	}
	return append(out, '\n'), nil
}

// A flatSource turns the JSON of another source into FlatBuffers.
type flatSource struct {
	source
	schema *flatjson.Schema
	n      uint64
}

func (s *flatSource) next() ([]byte, error) {
	text, err := s.source.next()
	if err != nil {
		return nil, err
	}
	s.n++
	b, err := s.schema.Build(text, maxMessage)
	if err != nil {
		return nil, usage("message %d of the input is no %s: %w", s.n, s.schema.Root(), err)
	}
	return b, nil
}
