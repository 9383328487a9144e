//go:build !race

package places

// ownMost is how much of its own a process may add by attaching, in kB.
const ownMost = 1024

// containerSize is the memory of a small container, in bytes.
const containerSize = 64 << 20
