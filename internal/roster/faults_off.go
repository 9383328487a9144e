//go:build !mutants

package roster

// The faults of a broken build, all off and folded away: see faults_on.go.
const (
	faultBase       = false
	faultFloor      = false
	faultOldSession = false
	faultKeepEpoch  = false
	faultNoAsk      = false
	faultKeepDead   = false
	faultNoBeat     = false
)
