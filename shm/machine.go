package shm

import (
	"crypto/rand"
	"encoding/binary"
	"hash/fnv"
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

// random64 is a random word; crypto/rand ends the process rather than failing.
func random64() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// random32 is a random word that is not zero: zero means "none" in ids and epochs.
func random32() uint32 {
	for {
		if v := uint32(random64()); v != 0 {
			return v
		}
	}
}
