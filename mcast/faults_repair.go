//go:build mutants

package mcast

import "github.com/ringcast/ringcast/mcast/wire"

// resend is the fault "repair with a new sequence".
func (l *lane) resend(b []byte) []byte {
	c := append([]byte(nil), b...)
	var d wire.Data
	wire.ParseData(c[wire.HeaderSize:], c[3], &d)
	d.LaneSequence = l.head
	wire.PutDataHead(c[wire.HeaderSize:], &d)
	l.settle(copy(l.space(), c))
	return c
}
