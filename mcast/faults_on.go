//go:build mutants

package mcast

// Faults of a broken build. They exist only under the build tag mutants, whose
// test shows that the simulator's invariants catch each of them.
var (
	faultNoNak          bool // holes are never reported
	faultNoBackoff      bool // a hole is reported at once, with every later datagram again
	faultTrailOffByOne  bool // the oldest repairable datagram is given up
	faultDuplicate      bool // what was delivered is delivered again
	faultOldSession     bool // a session that was overtaken is still heard
	faultRepairSequence bool // a repair gets a lane sequence of its own
	faultAhead          bool // past a hole a message is handed over though others are missing before it
	faultFragments      bool // fragments are put together across a hole
	faultNoCopies       bool // who hears unicast only gets no copies
	faultHasty          bool // a peer that half of the others suspect is dead at once
	faultSilentLoss     bool // a loss is not told
	faultUnwanted       bool // what is not wanted is delivered
	faultNoWindow       bool // a gated lane waits for nobody
	faultNoBeat         bool // no heartbeat says where a lane ends
	faultWantOnce       bool // a list that got lost is not told again
	faultSpin           bool // a timer is due again at once
	faultNoStale        bool // who was overtaken is not told
	faultGoAbove        bool // who was overtaken begins above that at once, however often
	faultNoTails        bool // the lost end of a stream is not told
	faultWantedLate     bool // who begins to want a topic anew reads nothing of its next datagrams
	faultPassMoving     bool // what is to be sent while a topic moves is passed over
	faultNoHold         bool // the lane's messages do not wait for what was published before
	faultHistoryTwice   bool // what history and lane both bring is delivered twice
	faultHistoryGap     bool // what is missing between history and lane is not told
	faultSpliceLate     bool // a stream ends where the newest list was counted, not the one that asks
	faultPlaceAll       bool // a stream says of all producers how far they are, also of what went on the lane since its splice
	faultHistoryAnew    bool // what was published before of a topic that is wanted already does not wait for what is on the lane
	faultNoMoveWait     bool // a topic goes on another lane though not all of it was taken
	faultMoveRows       bool // who is new on a lane does not learn how far producers have got of which nothing follows
	faultSplitOver      bool // what is packed to be folded may take more datagrams than members have room for
	faultNarrow         bool // a sequence is what the wire has of it
	faultNoPardon       bool // members pay for the stops of a lane's owner
	faultRaiseEarly     bool // datagrams are large though not all peers have shown that such come
	faultKeepLarge      bool // they stay large when a peer comes
	faultForgetNarrow   bool // a node that went is not thought of though it had not shown that large ones reach it
	faultNoPull         bool // a stream that catches up does not get what is held of it
)

// Faults lists the switches by name.
var Faults = map[string]*bool{
	"no-nak":          &faultNoNak,
	"no-backoff":      &faultNoBackoff,
	"trail":           &faultTrailOffByOne,
	"duplicate":       &faultDuplicate,
	"old-session":     &faultOldSession,
	"repair-sequence": &faultRepairSequence,
	"ahead":           &faultAhead,
	"fragments":       &faultFragments,
	"no-pull":         &faultNoPull,
	"split-over":      &faultSplitOver,
	"silent-loss":     &faultSilentLoss,
	"unwanted":        &faultUnwanted,
	"no-window":       &faultNoWindow,
	"no-beat":         &faultNoBeat,
	"want-once":       &faultWantOnce,
	"spin":            &faultSpin,
	"no-stale":        &faultNoStale,
	"go-above":        &faultGoAbove,
	"no-tails":        &faultNoTails,
	"hasty":           &faultHasty,
	"no-copies":       &faultNoCopies,
	"no-move-wait":    &faultNoMoveWait,
	"move-rows":       &faultMoveRows,
	"wanted-late":     &faultWantedLate,
	"pass-moving":     &faultPassMoving,
	"no-hold":         &faultNoHold,
	"history-twice":   &faultHistoryTwice,
	"history-gap":     &faultHistoryGap,
	"no-pardon":       &faultNoPardon,
	"narrow":          &faultNarrow,
	"splice-late":     &faultSpliceLate,
	"place-all":       &faultPlaceAll,
	"history-anew":    &faultHistoryAnew,
	"raise-early":     &faultRaiseEarly,
	"keep-large":      &faultKeepLarge,
	"forget-narrow":   &faultForgetNarrow,
}
