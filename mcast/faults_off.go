//go:build !mutants

package mcast

// The faults of a broken build, all off and folded away: see faults_on.go.
const (
	faultNoNak          = false
	faultNoBackoff      = false
	faultTrailOffByOne  = false
	faultDuplicate      = false
	faultOldSession     = false
	faultRepairSequence = false
	faultAhead          = false
	faultFragments      = false
	faultNoPull         = false
	faultSplitOver      = false
	faultSilentLoss     = false
	faultUnwanted       = false
	faultNoWindow       = false
	faultNoBeat         = false
	faultWantOnce       = false
	faultSpin           = false
	faultNoStale        = false
	faultGoAbove        = false
	faultNoTails        = false
	faultHasty          = false
	faultNoCopies       = false
	faultNoMoveWait     = false
	faultMoveRows       = false
	faultWantedLate     = false
	faultPassMoving     = false
	faultNoHold         = false
	faultHistoryTwice   = false
	faultHistoryGap     = false
	faultNoPardon       = false
	faultNarrow         = false
	faultSpliceLate     = false
	faultPlaceAll       = false
	faultHistoryAnew    = false
	faultRaiseEarly     = false
	faultKeepLarge      = false
	faultForgetNarrow   = false
)

func (l *lane) resend(b []byte) []byte { return b }
