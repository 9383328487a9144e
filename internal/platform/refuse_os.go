//go:build !linux

package platform

// Compiling ends here where there is no Linux below.
var _ int = "Ringcast runs on linux/amd64 and linux/arm64: this is not Linux, and rings need its futexes and open-file-description locks"
