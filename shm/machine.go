package shm

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
)

// bootHash is the FNV-1a 64 of the kernel's boot id: a segment of another boot
// is nobody's any more. A machine without a boot id has 0 always.
var bootHash = sync.OnceValue(func() uint64 {
	id := readWord("/proc/sys/kernel/random/boot_id")
	if id == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64()
})

// machineID is what the machine calls itself, or its host name. Cloned images share it.
func machineID() string {
	if id := readWord("/etc/machine-id"); id != "" {
		return id
	}
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	return host
}

func readWord(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// random64 is a random word that no other process draws: the runtime seeds the generator from the kernel's, and it
// is as good. Package crypto/rand would cost each program 0.2 MB.
func random64() uint64 { return rand.Uint64() }

// random32 is a random word that is not zero: zero means "none" in ids and epochs.
func random32() uint32 {
	for {
		if v := uint32(random64()); v != 0 {
			return v
		}
	}
}
