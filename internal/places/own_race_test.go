//go:build race

package places

// ownMost is how much of its own a process may add by attaching, in kB. The race
// detector keeps several bytes for each that the process touches.
const ownMost = 8 * 1024

// containerSize is the memory of a container that is small for the race detector,
// in bytes.
const containerSize = 256 << 20
