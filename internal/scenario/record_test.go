package scenario

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"github.com/ringcast/ringcast"
	"golang.org/x/sys/unix"
)

// A record is what a publisher leaves word of in a file that outlives it: mapped
// by the publisher and the test, so that SIGKILL takes nothing back. Each word is
// written by one aligned store.
type record []byte

// Words of a record.
const (
	wordReady   = iota // 1 once the first send is about to begin
	wordAcked          // sends that returned nil
	wordLongest        // longest send, in ns
	wordNode           // the publisher's address, from here
	wordEpoch
	wordGeneration
	wordIndex
	recordWords
)

func openRecord(path string) (record, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(8 * recordWords); err != nil {
		return nil, err
	}
	b, err := unix.Mmap(int(f.Fd()), 0, 8*recordWords, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map record: %w", err)
	}
	return b, nil
}

func (r record) set(word int, v uint64) { binary.LittleEndian.PutUint64(r[8*word:], v) }
func (r record) get(word int) uint64    { return binary.LittleEndian.Uint64(r[8*word:]) }

func (r record) acked() uint64          { return r.get(wordAcked) }
func (r record) longest() time.Duration { return time.Duration(r.get(wordLongest)) }

func (r record) setAddress(a ringcast.Address) {
	r.set(wordNode, uint64(a.Node))
	r.set(wordEpoch, uint64(a.Epoch))
	r.set(wordGeneration, uint64(a.Generation))
	r.set(wordIndex, uint64(a.Index))
}

func (r record) address() ringcast.Address {
	return ringcast.Address{
		Node: uint32(r.get(wordNode)), Epoch: uint32(r.get(wordEpoch)),
		Generation: uint32(r.get(wordGeneration)), Index: uint16(r.get(wordIndex)),
	}
}
