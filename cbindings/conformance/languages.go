package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A language is one implementation, with the program that is its peer.
type language struct {
	name string
	// build makes the peer, run starts it; in the root of the repository.
	build, run []string
	// groups says that the peer has the commands member and hold.
	groups bool
	// refusals says that it has the command refuse.
	refusals bool
	// requests says that it has the commands answer, ask and drop.
	requests bool
	// nodes says that it has ask-away, watch and subscribers.
	nodes bool
	// segmentsOnly says that it knows the structs of segments, and not those of packets.
	segmentsOnly bool
	// check looks at the peer itself: that an implementation which should be one of
	// its own is. Nil: nothing to look at.
	check func(run []string) error
	claim string // what check holds true
}

// languages are all that take part. The implementations of spec/ that are independent
// of each other are Go, C, Rust and Java; the check of each says that it is one of its own.
var languages = []language{
	{
		name: "go", groups: true, refusals: true, requests: true, nodes: true,
		run: []string{os.Args[0]}, // this program: see peer.go
	},
	{
		name: "c", groups: true, refusals: true, requests: true, nodes: true,
		build: []string{"make", "-s", "-C", "cbindings", "BUILD=build-conformance", "build-conformance/conformance-peer"},
		run:   []string{"cbindings/build-conformance/conformance-peer"},
		check: noGo, claim: "has-no-go-in-it",
	},
	{ // over the C library
		name: "cpp", groups: true, refusals: true, requests: true, nodes: true,
		build: []string{"make", "-s", "-C", "cbindings", "BUILD=build-conformance", "build-conformance/conformance-peer-cpp"},
		run:   []string{"cbindings/build-conformance/conformance-peer-cpp"},
	},
	{ // over the C library
		name: "python", groups: true, refusals: true, requests: true, nodes: true,
		build: []string{"make", "-s", "pythonlib"},
		run:   []string{".tools/python/bin/python", "cbindings/conformance/python/peer.py"},
	},
	{
		// Written from spec/ and the schemas alone: it is here to show that they suffice.
		name: "rust", groups: true, segmentsOnly: true,
		build: []string{"make", "-s", "rust"},
		run:   []string{".tools/rust/debug/conformance-peer"},
		check: noGo, claim: "has-no-go-in-it",
	},
	{
		name: "java", groups: true, refusals: true, requests: true, nodes: true,
		build: []string{"make", "-s", "java-peer"},
		run: []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp",
			"cbindings/java/target/peer:cbindings/java/target/ringcast.jar:cbindings/java/target/lib/*", "Peer"},
		check: noNativeCalls, claim: "calls-no-native-code-for-a-message",
	},
}

// prepare builds the peer and looks at it.
func (l *language) prepare() error {
	if len(l.build) == 0 {
		return nil
	}
	text, err := exec.Command(l.build[0], l.build[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the peer: %s: %w\n%s", strings.Join(l.build, " "), err, text)
	}
	return nil
}

// chosen are the languages of a list of names with commas between; all for "".
func chosen(names string) ([]language, error) {
	if names == "" {
		return languages, nil
	}
	var list []language
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(languages, func(l language) bool { return l.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only %s: there is no language %q", names, name)
		}
		list = append(list, languages[i])
	}
	return list, nil
}
