package ringcast

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"strings"

	"github.com/ringcast/ringcast/codec/layout"
)

// A GroupState is the state of one queue group of a topic on this node. It is a copy and
// belongs to the caller.
type GroupState struct {
	Name     string   // its hash if its file is missing
	Members  []uint16 // participants, one for each subscription
	Position uint64   // up to here all is taken
	Behind   uint64   // positions that nobody has taken yet, at most
	Missed   uint64   // positions that passed the group by
}

// groupName finds the name of a group whose hash is known: the files of a ring's
// groups bear it, behind the ring's id.
func groupName(path string, control []byte, hash uint32) string {
	id := binary.LittleEndian.Uint64(control[layout.SegmentHeaderSegmentIdOffset:])
	head := fmt.Sprintf("%s.%0*x.", strings.TrimSuffix(path, ".ctl"), layout.SegmentIDBits/4, id)
	files, _ := filepath.Glob(globQuote(head) + "*.group")
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, head), ".group")
		h := fnv.New32a()
		_, _ = h.Write([]byte(name))
		if h.Sum32() == hash {
			return name
		}
	}
	return fmt.Sprintf("#%08x", hash)
}

// globQuote makes a pattern of a path that means the path alone.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
