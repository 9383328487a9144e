package main

import (
	"context"
	"fmt"
	"strings"
)

// again runs a client whose request may run twice.
func (m *matrix) again(client language, part string) {
	name := "conformance/" + client.name + "-asks-again"
	if client.nodes && strings.Contains(name, part) {
		m.count(name, m.askTwice(client))
	}
}

// askTwice has the node of the server that has a request in hand say goodbye, so that the request goes to a server on
// the client's own node; when that is killed nobody is left. The servers are Go's.
func (m *matrix) askTwice(client language) error {
	ctx, cancel := context.WithTimeout(context.Background(), cellPatience)
	defer cancel()
	near, far := m.node(ctx, client.name+"-near"), m.node(ctx, client.name+"-far")
	near.domain += client.name
	far.domain = near.domain
	defer near.close()
	defer far.close()
	if err := near.forward(); err != nil {
		return err
	}
	forwarder, err := far.start(languages[0], "up", "forward")
	if err != nil {
		return err
	}
	first, err := far.start(languages[0], "", "answer")
	if err != nil {
		return err
	}
	address, err := first.field("ready")
	if err != nil {
		return err
	}
	caller, err := near.start(client, "", "ask-again", address)
	if err == nil {
		err = first.expect("waiting")
	}
	if err != nil {
		return err
	}
	second, err := near.start(languages[0], "", "answer")
	if err != nil {
		return err
	}
	if _, err := second.field("ready"); err != nil {
		return err
	}
	forwarder.closeInput()
	if err := second.expect("waiting"); err != nil {
		return fmt.Errorf("the other server: %w", err)
	}
	second.kill()
	text, err := caller.wait()
	if err == nil && strings.TrimSpace(text) != "again no_service" {
		err = fmt.Errorf("says %q, want %q", text, "again no_service")
	}
	return err
}
