//go:build mutants

package roster

// Faults of a broken build. They exist only under the build tag mutants, whose
// test shows that the simulator's invariants catch each of them.
var (
	faultBase       bool // a change is made on whatever state there is
	faultFloor      bool // an earlier state is taken after a later one
	faultOldSession bool // a session that is over is still heard
	faultKeepEpoch  bool // rows of another epoch stay
	faultNoAsk      bool // what was missed is not asked for
	faultKeepDead   bool // rows of a node that is down stay
	faultNoBeat     bool // nobody says which version there is
)
