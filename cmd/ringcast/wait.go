package main

import "github.com/ringcast/ringcast"

// A waitFlag is a flag whose value is a way of waiting.
type waitFlag struct{ wait *ringcast.Wait }

// Set reads the flag's value.
func (w *waitFlag) Set(text string) (err error) {
	*w.wait, err = ringcast.ParseWait(text)
	return err
}

// String is the value as it is set.
func (w *waitFlag) String() string {
	if w.wait == nil {
		return ""
	}
	return w.wait.String()
}

// Type is what help calls the value.
func (w *waitFlag) Type() string { return "way" }
