package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// nodesPatience bounds all cells between two nodes.
const nodesPatience = 5 * time.Minute

// awayQuestions are what a client's peer prints of a server on another node, in this order.
func awayQuestions() []struct{ what, word string } {
	list := []struct{ what, word string }{{"known", "ok"}}
	for _, q := range questions {
		if q.what == overloaded { // a sender to another node is told of its own queue alone
			q.what, q.word = holding, "ok"
		}
		list = append(list, q)
	}
	return list
}

// nodes runs clients against servers on another node: two directories, a forwarder each, on loopback.
// Each language is once the client and once the server of each of its neighbours in the list.
func (m *matrix) nodes(part string) {
	var list []language
	for _, l := range m.languages {
		if l.nodes {
			list = append(list, l)
		}
	}
	var pairs [][2]language
	for i, l := range list {
		next := list[(i+1)%len(list)]
		for _, pair := range [][2]language{{l, next}, {next, l}} {
			if len(list) > 1 && strings.Contains(awayName(pair[0], pair[1]), part) {
				pairs = append(pairs, pair)
			}
		}
	}
	if len(pairs) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), nodesPatience)
	defer cancel()
	near, far := m.node(ctx, "near"), m.node(ctx, "far")
	defer near.close()
	defer far.close()
	err := near.forward()
	if err == nil {
		err = far.forward()
	}
	for _, pair := range pairs {
		said, e := map[string]string{}, err
		if e == nil {
			said, e = askAcross(near, far, pair[0], pair[1])
		}
		for _, a := range awayQuestions() {
			m.count(awayName(pair[0], pair[1])+a.what, judge(said, a.what, a.word, e))
		}
	}
}

func awayName(client, server language) string {
	return "conformance/" + client.name + "-asks-" + server.name + "-away/"
}

// node is one of two; their domain is no other's on this machine.
func (m *matrix) node(ctx context.Context, name string) *stage {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, m.dir)
	return &stage{ctx: ctx, dir: filepath.Join(m.dir, name), domain: fmt.Sprintf("conformance-%08x", h.Sum32())}
}

// forward starts the forwarder of the node.
func (s *stage) forward() error {
	_, err := s.start(languages[0], "up", "forward")
	return err
}

func (s *stage) close() {
	s.end()
	_ = os.RemoveAll(s.dir)
}

// askAcross returns what the client said of a server on the other node, which it sees die.
func askAcross(near, far *stage, client, server language) (map[string]string, error) {
	p, err := far.start(server, "", "answer")
	if err != nil {
		return nil, err
	}
	defer p.kill()
	address, err := p.field("ready")
	if err != nil {
		return nil, err
	}
	return near.asks(client, p, holding, "ask-away", address)
}
