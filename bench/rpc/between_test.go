package main

import (
	"errors"
	"strings"
	"testing"
)

// TestReport takes rows, what the host lacks, and nothing else.
func TestReport(t *testing.T) {
	rows, err := report([]byte(`{"rows":[{"cell":"nodes p50","ours":200,"peer":"NATS, TCP","theirs":100,"ratio":2,"goal":1,"has_goal":true}]}`))
	if err != nil || len(rows) != 1 || rows[0].Peer != "NATS, TCP" || rows[0].Ours != 200 || !rows[0].Judged || rows[0].Met {
		t.Errorf("%+v, %v", rows, err)
	}
	var missing *missingError
	if _, err := report([]byte(`{"rows":null,"missing":"no network namespaces here: ip not found"}`)); !errors.As(err, &missing) || !strings.Contains(err.Error(), "ip not found") {
		t.Errorf("missing: %v", err)
	}
	if _, err := report([]byte("what")); err == nil || errors.As(err, &missing) {
		t.Errorf("no report: %v", err)
	}
}
