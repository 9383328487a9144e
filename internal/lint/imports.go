package lint

import (
	"slices"
	"strconv"
	"strings"
)

// module is the import path of the repository.
const module = "github.com/ringcast/ringcast"

// allowed lists every edge between packages of the module, the root being ".".
// Adding one is a design change: say it in doc/ARCHITECTURE.md in the same
// commit. A package that is not listed may import nothing of ours.
//
// What the table keeps apart: mcast knows no ring and no segment; the root
// knows no network, since a client only ever touches rings; only
// internal/forward knows both, and it never uses the root, whose interface
// does not let anybody publish under another's address.
var allowed = map[string][]string{
	".":                       {"shm", "ring", "codec/layout", "codec/fields", "codec/table"},
	"codec/layout":            {},
	"codec/fields":            {},
	"codec/fb":                {},
	"codec/table":             {"codec/fb"},
	"codec/gen":               {},
	"codec/golden":            {"codec/fb"},
	"shm":                     {"codec/layout", "codec/table"},
	"ring":                    {"shm", "codec/layout"},
	"mcast":                   {"internal/guard", "mcast/wire", "codec/layout"},
	"mcast/wire":              {"codec/layout"},
	"mcast/udp":               {},
	"mcast/simnet":            {"mcast", "mcast/wire"},
	"spec/models/moves":       {"spec/models/walks"},
	"spec/models/splice":      {"spec/models/walks"},
	"spec/models/asks":        {},
	"spec/models/renewal":     {},
	"spec/models/walks":       {},
	"internal/forward":        {"internal/guard", "internal/roster", "shm", "ring", "mcast", "mcast/udp", "mcast/wire", "internal/uplink", "codec/layout", "codec/fb", "codec/table"},
	"internal/guard":          {},
	"internal/uplink":         {"internal/guard", "shm", "codec/layout"},
	"internal/roster":         {"internal/guard", "codec/table", "codec/layout"},
	"internal/demo":           {".", "shm", "codec/table", "internal/netlab"},
	"internal/torture":        {"shm", "ring", "codec/layout"},
	"internal/flatjson":       {},
	"internal/jsonform":       {".", "shm", "internal/flatjson"},
	"internal/gateway":        {".", "shm", "internal/flatjson", "internal/jsonform"},
	"internal/script":         {"."},
	"internal/sim":            {"mcast/simnet"},
	"internal/controller":     {"mcast", "mcast/simnet", "internal/roster", "internal/uplink", "shm", "codec/layout", "codec/table"},
	"internal/modeflag":       {"shm"},
	"internal/flagerror":      {},
	"internal/said":           {},
	"internal/signals":        {},
	"internal/netlab":         {},
	"internal/netlab/shell":   {"internal/netlab"},
	"internal/nettest":        {".", "shm", "codec/fb", "codec/table", "internal/netlab"},
	"internal/version":        {"codec/layout"},
	"bench":                   {"."},
	"bench/report":            {"bench"},
	"bench/table":             {"bench"},
	"bench/cells":             {"bench", "bench/table"},
	"bench/languages":         {"bench", "bench/table"},
	"bench/peers":             {"bench"},
	"bench/own":               {"bench", "bench/peers", "bench/table"},
	"bench/versus":            {"bench", "bench/nodes", "bench/peers", "bench/report", "bench/table"},
	"bench/rpc":               {".", "bench", "bench/nodes", "bench/peers", "bench/table"},
	"bench/net":               {"bench/nodes"},
	"bench/nodes":             {".", "bench", "bench/table", "bench/net/program", "internal/netlab"},
	"bench/net/program":       {"bench"},
	"bench/gateway":           {"bench", "bench/table"},
	"bench/node":              {"bench"},
	"bench/worker":            {"bench"},
	"bench/peers/nats/node":   {"bench/node"},
	"bench/peers/grpc/node":   {"bench/node"},
	"bench/peers/nats":        {"bench/net/program"},
	"cmd/ringcast":            {".", "shm", "bench", "bench/report", "bench/nodes", "bench/peers", "internal/flagerror", "internal/flatjson", "internal/gateway", "internal/jsonform", "internal/modeflag", "internal/said", "internal/script", "internal/signals", "internal/version"},
	"cbindings/conformance":   {".", "shm", "codec/golden", "codec/layout", "codec/table", "internal/forward", "mcast/udp", "examples/schema/orders"},
	"examples/schema/orders":  {},
	"examples/go/publish":     {"."},
	"examples/go/subscribe":   {"."},
	"examples/go/worker":      {"."},
	"examples/go/service":     {"."},
	"examples/go/flatbuffers": {".", "examples/schema/orders"},
	"cmd/ringcastd":           {"internal/forward", "shm", "mcast/udp", "internal/flagerror", "internal/modeflag", "internal/said", "internal/signals", "internal/version"},
}

// everywhere are packages that any other may import: they import nothing.
var everywhere = []string{"internal/platform"}

// inTests lists what the tests of a package may import besides. A package's
// tests may always import the package itself and the folders below it.
var inTests = map[string][]string{
	"mcast":             {"mcast/simnet"},
	"mcast/udp/labtest": {"mcast/udp", "internal/netlab"},
	"ring":              {"codec/fb", "internal/cycles"},
	".":                 {"examples/schema/orders", "internal/cycles"},
	"internal/between":  {".", "internal/forward", "shm", "mcast/udp"},
	"internal/gateway":  {"examples/schema/orders"},
	"internal/scenario": {"."},
	"internal/places":   {".", "shm", "ring", "codec/layout"},
	"examples":          {".", "examples/schema/orders"},
}

// checkImports reports edges that the tables do not allow.
func checkImports(r repository) []finding {
	var list []finding
	for _, s := range r {
		if s.file == nil {
			continue
		}
		for _, spec := range s.file.Imports {
			to, ours := ownPackage(spec.Path.Value)
			if ours && !edgeAllowed(s.pkg(), to, s.isTest()) {
				list = append(list, s.at(spec.Pos(), "%s must not import %s", s.pkg(), to))
			}
		}
	}
	return list
}

// ownPackage returns the folder of a quoted import path of this module.
func ownPackage(quoted string) (string, bool) {
	path, err := strconv.Unquote(quoted)
	if err != nil {
		return "", false
	}
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

func edgeAllowed(from, to string, test bool) bool {
	if slices.Contains(allowed[from], to) || slices.Contains(everywhere, to) {
		return true
	}
	return test && (to == from || strings.HasPrefix(to, from+"/") || slices.Contains(inTests[from], to))
}

// dependencies are the modules of others that may be used at all.
var dependencies = []string{
	"golang.org/x/sys",
	"golang.org/x/net",
	"golang.org/x/term",
	"github.com/google/flatbuffers/go",
	"github.com/pierrec/lz4/v4",
	"github.com/HdrHistogram/hdrhistogram-go",
	"github.com/spf13/cobra",
	"gonum.org/v1/plot",
	"github.com/coder/websocket",
	"github.com/prometheus/client_golang",
	"github.com/chromedp/chromedp", // the test of the page
}

// peers are programs in modules of their own, which nobody but a benchmark builds.
const peers = "bench/peers/"

// checkModules reports imports of modules that were not decided on.
func checkModules(r repository) []finding {
	var list []finding
	for _, s := range r {
		if s.file == nil || strings.HasPrefix(s.path, peers) {
			continue
		}
		for _, spec := range s.file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			first, _, _ := strings.Cut(path, "/")
			_, ours := ownPackage(spec.Path.Value)
			known := slices.ContainsFunc(dependencies, func(m string) bool {
				return path == m || strings.HasPrefix(path, m+"/")
			})
			if strings.Contains(first, ".") && !ours && !known {
				list = append(list, s.at(spec.Pos(), "%s is not among the dependencies", path))
			}
		}
	}
	return list
}
