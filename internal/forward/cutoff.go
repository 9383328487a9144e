package forward

import (
	"runtime"
	"runtime/debug"
)

// Who may write a ring's file may also cut it off while it is mapped, and then whoever
// touches the lost pages is ended by the kernel. A program loses its own work by that; a
// forwarder would take the whole node off the network for one topic. So its goroutines
// turn such a fault into a panic (guardFaults), which is caught around each use of a
// ring, and the topic alone is given up, until its file is there again. What belongs to the
// whole domain is not guarded: nothing works without it.

// guardFaults makes faults of the calling goroutine panics.
func guardFaults() { debug.SetPanicOnFault(true) }

// cutOff runs f, and says whether that touched memory which is no longer there.
func cutOff(f func()) (fault bool) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if _, fault = r.(interface {
			runtime.Error
			Addr() uintptr
		}); !fault {
			panic(r)
		}
	}()
	f()
	return false
}

// pumpGuarded is pump; a topic whose file was cut off is given up.
func (f *Forwarder) pumpGuarded(o *outbound) (t turn) {
	if cutOff(func() { t = o.pump(f, f.now()) }) {
		f.dropOut(o)
		return turn{}
	}
	return t
}

// dropOut gives up a topic whose ring can't be touched any more, until a scan finds its file
// as it should be. Where closing it faults, too, its pages stay mapped.
func (f *Forwarder) dropOut(o *outbound) {
	f.counters.damaged.Add(1)
	f.cfg.Log("topic %q: its file was cut off while it was mapped: remove what is left of it, then it is made anew", o.name)
	if f.out[o.name] == o {
		delete(f.out, o.name)
		f.writeLater()
	}
	f.again = f.now() + openAgain
	cutOff(o.reader.Close)
	cutOff(func() { _ = o.file.Close() })
}

// publishGuarded is publish; in a ring whose file was cut off the item is lost, and so is
// what is parked. The topic is opened again with the next message. in.mu is held, or the
// drainer asks.
func (in *inbound) publishGuarded(it *item) (published bool) {
	if in.broken.Load() {
		in.f.counters.dropped.Add(1)
		return true
	}
	if cutOff(func() { published = in.publish(it) }) {
		in.breakOff()
		return true
	}
	return published
}

// breakOff notes that the ring can't be touched any more.
func (in *inbound) breakOff() {
	if in.broken.Swap(true) {
		return
	}
	in.untold = 0
	in.f.counters.damaged.Add(1)
	in.f.counters.dropped.Add(1)
	in.f.cfg.Log("topic %q: its file was cut off while it was mapped: remove what is left of it, then it is made anew", in.name)
}
