// Package lint holds the rules of the code that no compiler knows: which
// package may import which, where unsafe may stand, how long a function may be.
//
// A rule is a function from the repository to findings. The test over the
// whole tree wants none; beside it every rule has fixtures that break it, so
// that a rule which has gone blind fails too.
package lint
