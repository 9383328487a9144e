package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ringcast/ringcast"
)

// all reads a source to its end.
func all(s source) (messages []string, err error) {
	for {
		b, err := s.next()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return messages, nil
		}
		if err != nil {
			return messages, err
		}
		messages = append(messages, string(b))
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 2*readBuffer+5)
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"\n", []string{""}},
		{"a\nb\n", []string{"a", "b"}},
		{"a\n\n\nb", []string{"a", "", "", "b"}},
		{"a\r\n", []string{"a\r"}},
		{long + "\n" + long + "\nz", []string{long, long, "z"}},
		{strings.Repeat("x", readBuffer) + "\n", []string{strings.Repeat("x", readBuffer)}},
		{strings.Repeat("x", readBuffer-1) + "\ny", []string{strings.Repeat("x", readBuffer-1), "y"}},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.HalfReader(strings.NewReader(c.in))} {
			if got, err := all(newLineSource(r)); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%d bytes: %d lines, %v, want %d", len(c.in), len(got), err, len(c.want))
			}
		}
	}
	if _, err := all(newLineSource(strings.NewReader(strings.Repeat("x", maxMessage+1)))); err == nil {
		t.Error("a line larger than any message was taken")
	}
	broken := errors.New("broken")
	if _, err := all(newLineSource(iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a broken input: %v", err)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	line := strings.Repeat("a line of some length\n", 3000)
	lines := newLineSource(strings.NewReader(line))
	binary := newBinarySource(strings.NewReader(strings.Repeat(binaryForm([]byte("a message")), 3000)))
	sink := newSink(io.Discard, framingBinary)
	d := newDigest()
	for _, s := range []source{lines, binary} {
		if n := testing.AllocsPerRun(1000, func() {
			b, err := s.next()
			if err != nil {
				t.Fatal(err)
			}
			d.add(b)
			if err := sink.write(b); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%T allocates %v times a message", s, n)
		}
	}
}

// FuzzBinary: whatever the input, what was read is its beginning, in the same form.
func FuzzBinary(f *testing.F) {
	f.Add([]byte(binaryForm([]byte("one"), nil, []byte("two"))))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte("\x05\x00\x00\x00ab"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := all(newBinarySource(bytes.NewReader(in)))
		var form [][]byte
		for _, m := range got {
			form = append(form, []byte(m))
		}
		again := binaryForm(form...)
		if !strings.HasPrefix(string(in), again) || (err == nil) != (len(again) == len(in)) {
			t.Errorf("%q was read as %q, %v", in, got, err)
		}
	})
}

func TestGenerated(t *testing.T) {
	got, err := all(newGeneratedSource(9, 3))
	if err != nil || len(got) != 3 || got[0] != "\x01\x00\x00\x00\x00\x00\x00\x00\x08" || got[2][0] != 3 {
		t.Errorf("%q, %v", got, err)
	}
	if got, _ := all(newGeneratedSource(3, 2)); len(got) != 2 || len(got[0]) != 3 {
		t.Errorf("%q", got)
	}
	if got, _ := all(&limitedSource{newLineSource(strings.NewReader("a\nb\nc\n")), 2}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("limited: %q", got)
	}
}

// TestDigestIsOfTheCanonicalForm so that other languages can make the same.
func TestDigestIsOfTheCanonicalForm(t *testing.T) {
	d := newDigest()
	messages := [][]byte{[]byte("ab"), nil, bytes.Repeat([]byte("c"), 100_000)}
	for _, m := range messages {
		d.add(m)
	}
	sum := sha256.Sum256([]byte(binaryForm(messages...)))
	if d.hex() != hex.EncodeToString(sum[:]) {
		t.Errorf("digest %s, want %x", d.hex(), sum)
	}
	var none *digest
	none.add([]byte("x"))
	if none.hex() != "" {
		t.Error("no digest has a sum")
	}
}

func TestGaps(t *testing.T) {
	a, b := ringcast.Address{Node: 1, Index: 1}, ringcast.Address{Node: 2, Index: 1}
	var g gaps
	for _, m := range []struct {
		from     ringcast.Address
		sequence uint64
		missing  uint64
	}{{a, 5, 0}, {a, 6, 0}, {b, 1, 0}, {a, 7, 0}, {a, 10, 2}, {b, 2, 2}, {b, 4, 3}, {b, 3, 3}, {b, 5, 3}} {
		if g.see(m.from, m.sequence); g.missing != m.missing {
			t.Fatalf("after %v %d: %d missing, want %d", m.from, m.sequence, g.missing, m.missing)
		}
	}
	if n := testing.AllocsPerRun(100, func() { g.see(a, 11); g.see(b, 12) }); n != 0 {
		t.Errorf("a message of a known source allocates %v times", n)
	}
}

func TestPacerOffersOpenLoop(t *testing.T) {
	p := newPacer(10_000)
	begin := time.Now()
	for i := range 300 {
		if i == 100 {
			time.Sleep(20 * time.Millisecond) // what is late is sent at once
		}
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took < 29*time.Millisecond || p.behind < 10*time.Millisecond {
		t.Errorf("300 messages at 10000 a second took %v, behind by %v at most", took, p.behind)
	}
	var none *pacer
	if none.wait(t.Context()) != nil || newPacer(0) != nil {
		t.Error("without a rate there is no wait")
	}
}

func TestLatencies(t *testing.T) {
	l := newLatencies()
	if l.summary() != nil {
		t.Error("percentiles of nothing")
	}
	now := uint64(time.Now().UnixNano())
	for range 99 {
		l.add(now - 1_000_000)
	}
	l.add(now + uint64(time.Hour)) // a clock that is ahead
	s := l.summary()
	if s.P50 < 990_000 || s.Max < s.P999 || s.P999 < s.P50 || l.hist.Min() != 1 {
		t.Errorf("%+v", s)
	}
}
