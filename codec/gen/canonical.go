package main

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// segmentSchemas and wireSchemas name the files whose layouts must be equal
// in two programs that share a segment, or exchange frames.
var (
	segmentSchemas = []string{"common", "segment", "ring"}
	wireSchemas    = []string{"common", "frames"}
)

// layoutHash returns the FNV-1a 64 hash of the canonical text of the named
// schemas. Comments, attributes and the order of declarations do not count.
func layoutHash(all []*Schema, names []string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(canonicalText(all, names)))
	return h.Sum64()
}

// canonicalText has one line a struct, field, enum and value, sorted by the
// names of structs and enums; spec/layout.md tells its form.
func canonicalText(all []*Schema, names []string) string {
	var blocks []string
	for _, s := range all {
		if !slices.Contains(names, s.Name) {
			continue
		}
		for _, st := range s.Structs {
			blocks = append(blocks, canonicalStruct(st))
		}
		for _, e := range s.Enums {
			blocks = append(blocks, canonicalEnum(e))
		}
	}
	slices.Sort(blocks)
	return strings.Join(blocks, "")
}

func canonicalStruct(s *Struct) string {
	var b strings.Builder
	fmt.Fprintf(&b, "struct %s %d\n", s.Name, s.Size)
	for _, f := range s.Fields {
		fmt.Fprintf(&b, " %s %s %d %d\n", f.Name, f.Type, f.Offset, f.Size)
	}
	return b.String()
}

func canonicalEnum(e *Enum) string {
	var b strings.Builder
	fmt.Fprintf(&b, "enum %s %s\n", e.Name, e.Type)
	for _, v := range e.Values {
		fmt.Fprintf(&b, " %s %s\n", v.Name, v.decimal())
	}
	return b.String()
}
