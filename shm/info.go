//go:build linux

package shm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"golang.org/x/sys/unix"
)

// Places of an info.
const (
	infoInRecord = 0
	infoInFile   = 1
)

func (d *Domain) infoPath(index uint16) string {
	return d.path("live", strconv.Itoa(int(index))+".info")
}

// writeInfo puts the info into the record, or into a file where the record has
// no room, under the record's version: odd while it writes. A version that a
// dead predecessor left odd is made even here.
func (p *Participant) writeInfo(info *Info) error {
	b := table.AppendParticipantInfo(nil, &table.ParticipantInfo{
		Name: info.Name, Version: info.Version, Interests: info.Interests, Services: info.Services,
	})
	if len(b) > layout.MaxParticipantInfo {
		return fmt.Errorf("info of %d bytes, at most %d: %w", len(b), layout.MaxParticipantInfo, ErrTooLarge)
	}
	file, place, err := -1, uint32(infoInRecord), error(nil)
	if len(b) > p.record.infoCapacity() {
		place = infoInFile
		if file, err = p.prepareInfoFile(b); err != nil {
			return err
		}
	}
	odd := p.record.infoVersion().Load() | 1
	p.record.infoVersion().Store(odd) // pairs(info): before the first byte.
	if place == infoInFile {
		err = os.Rename(p.domain.newInfoPath(p.index), p.domain.infoPath(p.index))
	} else {
		storeWords(p.record.b, layout.ParticipantRecordSize, b)
	}
	if err == nil {
		p.record.infoPlace().Store(place)
		p.record.infoSize().Store(uint32(len(b)))
	}
	p.record.infoVersion().Store(odd + 1) // pairs(info): after the last byte.
	if err != nil {
		_ = unix.Unlink(p.domain.newInfoPath(p.index))
		closeFD(file)
		return err
	}
	p.keepInfoFile(file)
	return nil
}

// newInfoPath names a large info until it is the one that counts.
func (d *Domain) newInfoPath(index uint16) string {
	return d.path("live", "."+strconv.Itoa(int(index))+".info")
}

// prepareInfoFile writes the file that will hold the info, under another name,
// which it gets when its usage lock is there: that keeps those away who tidy up.
func (p *Participant) prepareInfoFile(b []byte) (int, error) {
	path := p.domain.newInfoPath(p.index)
	_ = unix.Unlink(path) // of one that died here
	spec := Spec{Path: path, Size: len(b)}
	fd, err := unnamedFile(&spec)
	if err != nil {
		return -1, err
	}
	if err = reserve(fd, &spec); err == nil {
		_, err = lockShared(fd, layout.LockByteUsage)
	}
	if err == nil {
		_, err = unix.Pwrite(fd, b, 0) // a regular file with its pages: all or nothing
	}
	if err == nil {
		err = unix.Linkat(unix.AT_FDCWD, procPath(fd), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	}
	if err != nil {
		closeFD(fd)
		return -1, fmt.Errorf("make info %q: %w", path, err)
	}
	return fd, nil
}

// keepInfoFile holds the descriptor of the file that is in use, -1 for none,
// and lets go of the one before.
func (p *Participant) keepInfoFile(fd int) {
	old := p.info
	p.info = fd
	closeFD(old)
	if old >= 0 && fd < 0 {
		_ = unix.Unlink(p.domain.infoPath(p.index))
	}
}

// readInfo copies the info of a record. A writer is at work for microseconds;
// one that is stopped or dead in the middle gives ErrUnfinished after 5 ms.
func (d *Domain) readInfo(index uint16) ([]byte, error) {
	r := d.table.record(index)
	for try := range 100 {
		b, ok, err := d.tryInfo(r, index)
		if ok {
			return b, err
		}
		if try < 95 {
			runtime.Gosched()
		} else {
			time.Sleep(time.Millisecond)
		}
	}
	return nil, fmt.Errorf("info of participant %d: %w", index, ErrUnfinished)
}

// tryInfo makes one copy; false says that a writer came between.
func (d *Domain) tryInfo(r record, index uint16) (b []byte, ok bool, err error) {
	version := r.infoVersion().Load() // pairs(info): before the first byte.
	if version%2 != 0 {
		return nil, false, nil
	}
	size, place := int(r.infoSize().Load()), r.infoPlace().Load()
	switch {
	case place == infoInFile && size <= layout.MaxParticipantInfo:
		b, err = readInfoFile(d.infoPath(index), size)
	case place == infoInRecord && size <= r.infoCapacity():
		b = make([]byte, size)
		loadWords(b, r.b, layout.ParticipantRecordSize)
	default:
		err = fmt.Errorf("info of participant %d: %d bytes in place %d: %w", index, size, place, table.ErrCorrupt)
	}
	// pairs(info): after the last byte.
	return b, r.infoVersion().Load() == version, err
}

func readInfoFile(path string, size int) ([]byte, error) {
	fd, err := openRetry(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open info %q: %w", path, err)
	}
	defer closeFD(fd)
	b := make([]byte, size)
	n, err := preadFull(fd, b, 0)
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read info %q: %w", path, err)
	}
	return b, nil
}

// decodeInfo turns the bytes of a stranger into an Info.
func decodeInfo(b []byte, language uint8) (Info, error) {
	t, err := table.ParseParticipantInfo(b)
	if err != nil {
		return Info{}, err
	}
	for _, i := range t.Interests {
		valid := ValidName
		if i.Pattern {
			valid = ValidPattern
		}
		err = errors.Join(err, valid(i.Name))
	}
	for _, s := range t.Services {
		err = errors.Join(err, ValidName(s.Name))
	}
	if err != nil {
		return Info{}, err
	}
	return Info{Name: t.Name, Version: t.Version, Language: language, Interests: t.Interests, Services: t.Services}, nil
}
