package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// questions are what a client's peer prints, in this order: what it did, and how that ended, in
// the words of doc/errors.md. doc.go says what each is.
var questions = []struct{ what, word string }{
	{"empty", "ok"},
	{"small", "ok"},
	{"slot", "ok"},
	{"too-large", "too_large"},
	{"error", "reply 7 no"},
	{"no-reply", "no_reply"},
	{"reply-too-large", "reply_too_large"},
	{"no-service", "no_service"},
	{"deadline", "timed_out"},
	{"cancel", "canceled"},
	{"stream", "ok"},
	{"stream-left", "ok"},
	{"many", "ok"},
	{"send", "ok"},
	{"request-to", "ok"},
	{"error-from", "reply 3 away"},
	{"gone", "gone"},
	{"no-inbox", "no_inbox"},
	{"node-down", "node_down"},
	{"survey", "ok"},
	{"presence", "ok"},
	{"overloaded", "overloaded"}, // behind it the server is killed
	{"instance-died", "instance_died"},
	{"presence-died", "ok"},
	{"after-death", "no_service"},
}

// overloaded is the line behind which the server is killed.
const overloaded = "overloaded"

// holding is the line behind which it is killed on another node.
const holding = "holding"

// requests runs a client's language against a server's, in one domain: a client that is
// killed with a request in flight, and then one that does all questions.
func (m *matrix) requests(client, server language, part string) {
	name := "conformance/" + client.name + "-asks-" + server.name + "/"
	if !client.requests || !server.requests || !m.anyQuestion(name, part) {
		return
	}
	said, dropped, err := m.ask(client, server)
	for _, a := range questions {
		m.tick(name+a.what, part, judge(said, a.what, a.word, err))
	}
	m.tick(name+"client-killed", part, dropped)
}

// judge says what is wrong with what a client said of something; err is how it ended.
func judge(said map[string]string, what, word string, err error) error {
	got, ok := said[what]
	if ok && got == word {
		return nil
	}
	if ok || err == nil {
		return fmt.Errorf("says %q, want %q", got, word)
	}
	return err
}

// tick counts a cell if it was asked for.
func (m *matrix) tick(name, part string, err error) {
	if strings.Contains(name, part) {
		m.count(name, err)
	}
}

// anyQuestion reports whether a cell of the pair was asked for.
func (m *matrix) anyQuestion(name, part string) bool {
	for _, a := range questions {
		if strings.Contains(name+a.what, part) {
			return true
		}
	}
	return strings.Contains(name+"client-killed", part)
}

// ask returns what the client said of each, and how the server took a client's death.
func (m *matrix) ask(client, server language) (said map[string]string, dropped, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), cellPatience)
	defer cancel()
	s := &stage{ctx: ctx, dir: filepath.Join(m.dir, client.name+".asks."+server.name)}
	defer os.RemoveAll(s.dir)
	defer s.end()
	p, err := s.start(server, "", "answer")
	if err != nil {
		return nil, err, err
	}
	address, err := p.field("ready")
	if err != nil {
		return nil, err, err
	}
	dropped = s.dropped(client, p)
	said, err = s.asks(client, p, overloaded, "ask", address)
	return said, dropped, err
}

// dropped kills a client whose request the server has in hand.
func (s *stage) dropped(client language, server *process) error {
	p, err := s.start(client, "", "drop")
	if err != nil {
		return err
	}
	if err := server.expect("waiting"); err != nil {
		return err
	}
	p.kill()
	return server.expect("given up")
}

// asks runs the client, and kills the server behind the line last.
func (s *stage) asks(client language, server *process, last string, args ...string) (map[string]string, error) {
	said := map[string]string{}
	p, err := s.start(client, "", args...)
	if err != nil {
		return said, err
	}
	for {
		line, err := p.out.ReadString('\n')
		if err != nil {
			break
		}
		what, word, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[what] = word
		if what == last {
			server.kill()
		}
	}
	if err := p.end(); err != nil {
		return said, fmt.Errorf("%s %s: %w: the last that it said is of %v", client.name, args[0], err, said)
	}
	return said, nil
}

// field takes the next line, which has to be this word and another, and returns that.
func (p *process) field(word string) (string, error) {
	line, _ := p.out.ReadString('\n')
	got, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
	if !ok || got != word {
		return "", fmt.Errorf("prints %q, want %q and a word", line, word)
	}
	return rest, nil
}
