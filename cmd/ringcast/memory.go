package main

import (
	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/shm"
)

// A memoryFlag is a flag whose value is memory settings.
type memoryFlag struct{ memory *ringcast.Memory }

// Set reads the flag's text.
func (m *memoryFlag) Set(text string) (err error) {
	*m.memory, err = shm.ParseMemory(text)
	return err
}

// String is empty: nothing is asked for by default.
func (m *memoryFlag) String() string { return "" }

// Type is what help calls the value.
func (m *memoryFlag) Type() string { return "list" }
