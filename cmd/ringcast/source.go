package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A source gives the messages to publish, one after the other, until io.EOF. The
// bytes are valid until the next call. It belongs to one goroutine.
type source interface {
	next() ([]byte, error)
}

// readBuffer is how much is read at once: lines are much shorter.
const readBuffer = 1 << 20

// A lineSource gives the lines of a stream, without their ends, however long.
type lineSource struct {
	r    *bufio.Reader
	long []byte // of a line longer than the buffer
}

var errLongLine = fmt.Errorf("a line of more than %d bytes: no message may be larger", maxMessage)

func newLineSource(r io.Reader) *lineSource {
	return &lineSource{r: bufio.NewReaderSize(r, readBuffer)}
}

func (s *lineSource) next() ([]byte, error) {
	line, err := s.r.ReadSlice('\n')
	if err == nil {
		return line[:len(line)-1], nil
	}
	s.long = s.long[:0]
	for errors.Is(err, bufio.ErrBufferFull) {
		if s.long = append(s.long, line...); len(s.long) > maxMessage {
			return nil, errLongLine
		}
		line, err = s.r.ReadSlice('\n')
	}
	if s.long = append(s.long, line...); len(s.long) > maxMessage+1 || err != nil && len(s.long) > maxMessage {
		return nil, errLongLine
	}
	if err == nil {
		return s.long[:len(s.long)-1], nil
	}
	if errors.Is(err, io.EOF) && len(s.long) > 0 {
		return s.long, nil // the last line has no end
	}
	return nil, err
}

// eachLine calls fn with each line of a stream; the bytes are valid until it returns.
func eachLine(r io.Reader, fn func(line []byte) error) error {
	lines := newLineSource(r)
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("input: %w", err)
		}
		if err := fn(line); err != nil {
			return err
		}
	}
}

// A binarySource gives messages that are led by their length, four bytes, little endian.
type binarySource struct {
	r    *bufio.Reader
	head [4]byte
	buf  []byte
}

func newBinarySource(r io.Reader) *binarySource {
	return &binarySource{r: bufio.NewReaderSize(r, readBuffer)}
}

func (s *binarySource) next() ([]byte, error) {
	if _, err := io.ReadFull(s.r, s.head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("input ends within the length of a message: %w", err)
		}
		return nil, err
	}
	n := int(binary.LittleEndian.Uint32(s.head[:]))
	if n > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes: no message may be larger than %d; is the input length-prefixed, little endian?", n, maxMessage)
	}
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	s.buf = s.buf[:n]
	if _, err := io.ReadFull(s.r, s.buf); err != nil {
		return nil, fmt.Errorf("input ends within a message of %d bytes: %w", n, io.ErrUnexpectedEOF)
	}
	return s.buf, nil
}

// A generatedSource gives messages of one size, the first eight bytes of which
// are their number from 1, if they have as many.
type generatedSource struct {
	buf         []byte
	count, done uint64
}

func newGeneratedSource(size int, count uint64) *generatedSource {
	s := &generatedSource{buf: make([]byte, size), count: count}
	for i := range s.buf {
		s.buf[i] = byte(i)
	}
	return s
}

func (s *generatedSource) next() ([]byte, error) {
	if s.count != 0 && s.done == s.count {
		return nil, io.EOF
	}
	s.done++
	if len(s.buf) >= 8 {
		binary.LittleEndian.PutUint64(s.buf, s.done)
	}
	return s.buf, nil
}

// A limitedSource ends after count messages.
type limitedSource struct {
	source
	left uint64
}

func (s *limitedSource) next() ([]byte, error) {
	if s.left == 0 {
		return nil, io.EOF
	}
	s.left--
	return s.source.next()
}

// A fileSource reads a file again and again.
type fileSource struct {
	path   string
	open   func(io.Reader) source
	repeat int // how often, with this time
	file   *os.File
	source
}

func (s *fileSource) next() ([]byte, error) {
	for {
		if s.file == nil {
			if s.repeat == 0 {
				return nil, io.EOF
			}
			s.repeat--
			f, err := os.Open(s.path)
			if err != nil {
				return nil, err
			}
			s.file, s.source = f, s.open(f)
		}
		b, err := s.source.next()
		if !errors.Is(err, io.EOF) {
			return b, err
		}
		_ = s.file.Close()
		s.file = nil
	}
}
