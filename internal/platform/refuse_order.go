//go:build linux && !amd64 && !arm64 && !386 && !arm && !mips && !mipsle && !s390x && !ppc64 && !mips64

package platform

// Compiling ends here where nobody has looked into the order of memory.
var _ int = "Ringcast runs on linux/amd64 and linux/arm64: the orders of memory that rings need were not looked into on this processor"
