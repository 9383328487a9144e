//go:build race

package places

// ownMost is how much of its own a process may add by attaching, in kB. The race
// detector keeps several bytes for each that the process touches.
const ownMost = 8 * 1024
