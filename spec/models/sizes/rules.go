package sizes

// Rules are those that a variant keeps or breaks.
type Rules struct {
	Name   string
	Breaks string // invariants of which a broken variant must break one, with spaces between

	Small   bool // who comes makes Data small before it is sent Setup
	All     bool // a round is complete when all have echoed, not one
	Ways    bool // by both ways
	Number  bool // an echo counts that names a Probe of this round
	Forgets bool // a round that begins anew forgets what was echoed before
	Fails   bool // a round that fails makes Data small
	Thought bool // who goes without having echoed is thought of
	Goes    bool // who has not echoed is thought of although it was not there for long enough to send a Want, if it was thought of when it came
	Ends    bool // that ends when it comes, or after a while
	Asks    bool // while Data is large paths are looked at again
	Left    bool // a round begins when somebody has gone
	Proves  bool // and not before all peers have proved their addresses
}

// Text is the protocol as it is written.
func Text() *Rules {
	return &Rules{Name: "text", Small: true, All: true, Ways: true, Number: true, Forgets: true, Fails: true, Thought: true, Goes: true,
		Ends: true, Asks: true, Left: true, Proves: true}
}

// Mutants are the text with one rule broken.
func Mutants() []*Rules {
	var list []*Rules
	add := func(name, breaks string, change func(*Rules)) {
		x := Text()
		x.Name, x.Breaks = name, breaks
		change(x)
		list = append(list, x)
	}
	add("large-when-who-comes-is-sent-setup", "size lost", func(x *Rules) { x.Small = false })
	add("one-echo-is-enough", "size lost", func(x *Rules) { x.All = false })
	add("one-way-is-enough", "size lost", func(x *Rules) { x.Ways = false })
	add("late-echoes-count", "size lost", func(x *Rules) { x.Number = false })
	add("echoes-of-before-count", "size lost", func(x *Rules) { x.Forgets = false })
	add("stays-large-after-a-failure", "size lost", func(x *Rules) { x.Fails = false })
	add("forgets-who-goes", "lost", func(x *Rules) { x.Thought = false })
	add("forgets-who-was-there-for-a-moment", "lost", func(x *Rules) { x.Goes = false })
	add("thinks-of-them-for-ever", "raised", func(x *Rules) { x.Ends = false })
	add("never-asks-again", "noticed", func(x *Rules) { x.Asks = false })
	add("nothing-begins-when-one-goes", "lost raised", func(x *Rules) { x.Left = false })
	add("asks-before-addresses-are-proved", "address", func(x *Rules) { x.Proves = false })
	return list
}
