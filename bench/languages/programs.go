package main

// A program does the work in one language.
type program struct {
	name    string
	command []string // as bench.Program has it; in the root of the repository
}

// programs are all beside Go, which is package bench itself. `make bench-languages`
// builds them.
func programs() []program {
	return []program{
		{"C", []string{"cbindings/build/bench-inline"}},
		{"C-calls", []string{"cbindings/build/bench-calls"}}, // RC_NO_INLINE: every call goes to the library
		{"Python", []string{".tools/python/bin/python", "cbindings/bench/python/work.py"}},
	}
}
