//go:build linux && (s390x || ppc64 || mips64)

package platform

// Compiling ends here where the high byte comes first.
var _ int = "Ringcast runs on linux/amd64 and linux/arm64: this processor is big endian, and segments are little endian"
