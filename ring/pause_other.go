//go:build !amd64 && !arm64

package ring

// pause burns about n times what a pause instruction takes.
func pause(n uint32) {
	for range n {
	}
}
