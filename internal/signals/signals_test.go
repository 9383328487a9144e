package signals

import (
	"os"
	"syscall"
	"testing"
)

// TestToldAgainAndAgain: the first signal ends the context, and those behind it kill nobody.
func TestToldAgainAndAgain(t *testing.T) {
	ctx := Ending()
	if err := ctx.Err(); err != nil {
		t.Errorf("before a signal: %v", err)
	}
	for range 3 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
	}
}
