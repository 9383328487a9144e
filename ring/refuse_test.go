package ring

import (
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/ringcast/ringcast/shm"
)

// TestCleanerRefusesWhatItCannotRead lists what a cleaner may pass over, and what
// must keep the dead participant's index from being used again.
func TestCleanerRefusesWhatItCannotRead(t *testing.T) {
	for _, c := range []struct {
		err     error
		refused bool
	}{
		{fmt.Errorf("open: %w", fs.ErrNotExist), false},
		{errAgain, false},
		{&shm.NotOursError{}, false},
		{&shm.VersionError{}, false},
		{fmt.Errorf("check: %w", &shm.DamagedError{}), false},
		{&shm.RetiredError{}, false},
		{fs.ErrPermission, true},
		{fmt.Errorf("open: %w", syscall.EMFILE), true},
		{syscall.ENOMEM, true},
		{shm.ErrInUse, true},
	} {
		var cl cleaner
		cl.refuse(c.err)
		if got := cl.refused == 1; got != c.refused {
			t.Errorf("%v: refused %v, want %v", c.err, got, c.refused)
		}
	}
}
