// Nettest is the guarantee tests of the network with real forwarders and real programs, in
// network namespaces of this host (internal/netlab), without root: tests 11, 12, 13, 16,
// 17, 19 and 22 of doc/guarantees.md, and one of links that carry no large datagrams.
//
//	go run ./internal/nettest            small forms, half a minute
//	go run ./internal/nettest -long      long forms, some minutes
//	go run ./internal/nettest -mesh      ten nodes, every language, a node cut off, another restarted
//	go run ./internal/nettest -soak      programs come and go beside a stream; forwarders must not grow
//
// Every loss is nftables', which counts it; the counters are printed. Publishers number
// their messages, subscribers keep a ledger: of each topic and publisher, what was sent
// must be what was delivered, once and in order, and what was told as lost. Bounds in
// milliseconds are printed as distributions and held ten times over, since the machine may
// be busy; the long forms' figures go into doc/guarantees.md.
//
// It ends with one line a test in the form that internal/testsum reads.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ringcast/ringcast/internal/netlab"
)

func main() {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		if err := roles[os.Args[1]](os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code, err := netlab.Main(run)
	if err != nil { // said, not hidden: with CI=true this is a failure
		fmt.Printf("skip network: %v\n", err)
		return
	}
	os.Exit(code)
}

// roles are what a process of this program may be besides.
var roles = map[string]func(args []string) error{"publish": publish, "subscribe": subscribe, "serve": serve, "ask": ask}

// options are the flags.
type options struct {
	long  bool
	only  string
	keep  string
	mesh  bool
	soak  bool
	time  time.Duration
	rate  float64
	nodes int
}

// A scene is one test.
type scene struct {
	name string
	play func(*stage) error
}

// scenes are all, in the order of the table of guarantees.
var scenes = []scene{
	{"11 loss", lossScene},
	{"12 repair of one datagram", repairScene},
	{"13 blackout", blackoutScene},
	{"16 slow and stopped reader", slowScene},
	{"17 tail of a burst", tailScene},
	{"19 node cut off", cutScene},
	{"19 process killed elsewhere", killScene},
	{"22 partition and one-way link", partitionScene},
	{"datagram sizes", sizesScene},
}

// run plays the scenes inside.
func run() int {
	var o options
	flag.BoolVar(&o.long, "long", false, "the long forms")
	flag.StringVar(&o.only, "only", "", "only scenes whose names contain this")
	flag.StringVar(&o.keep, "forwarder", "", "the program of the forwarder (default: it is built)")
	flag.BoolVar(&o.mesh, "mesh", false, "the mesh instead of the scenes: everything at once on ten nodes")
	flag.BoolVar(&o.soak, "soak", false, "the soak instead of the scenes: programs come and go beside a stream, and forwarders must not grow")
	flag.DurationVar(&o.time, "time", time.Minute, "how long the mesh or the soak runs")
	flag.Float64Var(&o.rate, "rate", 2500, "messages of 2,000 bytes a second that all publishers of the mesh send together")
	flag.IntVar(&o.nodes, "nodes", meshMost, "of the mesh: 10, or the first 4 alone, none of which is cut off or killed")
	flag.Parse()
	if o.keep == "" {
		dir, err := build()
		if err != nil {
			fmt.Println("not ok build:", err)
			return 1
		}
		defer os.RemoveAll(dir)
		o.keep = filepath.Join(dir, "ringcastd")
	}
	var results []string
	failed := 0
	all := scenes
	if o.mesh {
		all = []scene{{"mesh", meshScene}}
	}
	if o.soak {
		all = []scene{{"25 soak", soakScene}}
	}
	for _, s := range all {
		if !strings.Contains(s.name, o.only) {
			continue
		}
		began := time.Now()
		if err := playScene(s, &o); err != nil {
			failed++
			results = append(results, fmt.Sprintf("not ok %s: %v", s.name, strings.ReplaceAll(err.Error(), "\n", "; ")))
		} else {
			results = append(results, "ok "+s.name)
		}
		fmt.Printf("   %s: %.1f s\n", s.name, time.Since(began).Seconds())
	}
	fmt.Println(strings.Join(results, "\n"))
	if failed > 0 || len(results) == 0 {
		return 1
	}
	return 0
}

// build makes the forwarder's program.
func build() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "ringcast-nettest-"); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", dir, "github.com/ringcast/ringcast/cmd/ringcastd").CombinedOutput()
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
}
