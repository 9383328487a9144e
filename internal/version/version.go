// Package version knows which build this is.
package version

import (
	"fmt"
	"runtime/debug"

	"github.com/ringcast/ringcast/codec/layout"
)

// Release is the version of the source tree; the changelog has the same number.
const Release = "0.1.0-dev"

// String returns release, commit and the version of the layout.
func String() string {
	s := Release
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, kv := range info.Settings {
			if kv.Key == "vcs.revision" && len(kv.Value) >= 12 {
				s += "+" + kv.Value[:12]
			}
		}
	}
	return fmt.Sprintf("%s (layout %d.%d)", s, layout.Major, layout.Minor)
}
