package main

import (
	"fmt"
	"strings"
)

// nestedText lists which fields are structs, and which: accessors of Python
// and Java do not tell, and the readers of the golden images need to know.
func nestedText(all []*Schema) string {
	var b strings.Builder
	for _, s := range inOrder(all) {
		for _, f := range s.Fields {
			if f.Struct != "" {
				fmt.Fprintf(&b, "%s.%s %s\n", s.Name, f.Name, f.Struct)
			}
		}
	}
	return b.String()
}
