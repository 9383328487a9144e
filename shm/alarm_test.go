package shm

import (
	"testing"
	"time"
)

func TestAlarmGoesOffOnceASet(t *testing.T) {
	a, err := NewAlarm()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{time.Millisecond, 0, 20 * time.Millisecond} {
		begin := time.Now()
		a.Set(time.Hour)
		a.Set(d) // in its place
		if !a.Wait() {
			t.Fatal("closed")
		}
		if took := time.Since(begin); took < d {
			t.Errorf("%v came after %v", d, took)
		}
	}
	ended := make(chan bool)
	go func() { ended <- a.Wait() }() // nothing is set
	select {
	case <-ended:
		t.Error("it goes off again")
	case <-time.After(20 * time.Millisecond):
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if <-ended {
		t.Error("Close lets Wait say that the time has come")
	}
}

func TestAlarmAllocatesNothing(t *testing.T) {
	a, err := NewAlarm()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if n := testing.AllocsPerRun(20, func() { a.Set(1); a.Wait() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
