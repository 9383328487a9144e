package lint

// A rule is one thing that must hold everywhere.
type rule struct {
	name  string
	check func(repository) []finding
}

// rules are all rules, in the order of CONTRIBUTING.md.
var rules = []rule{
	{"imports", checkImports},
	{"modules", checkModules},
	{"unsafe", checkUnsafe},
	{"atomics", checkAtomics},
	{"single", checkSingle},
	{"lengths", checkLengths},
	{"names", checkNames},
	{"docs", checkDocs},
	{"skips", checkSkips},
	{"pairs", checkPairs},
	{"paths", checkPaths},
	{"parity", checkParity},
	{"links", checkLinks},
	{"decisions", checkDecisions},
}
