//go:build linux && (386 || arm || mips || mipsle)

package platform

// Compiling ends here where words have 32 bits.
var _ int = "Ringcast runs on linux/amd64 and linux/arm64: this processor has 32 bits, and rings share words of 64"
