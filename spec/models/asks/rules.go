package asks

// Rules are those of spec/wire.md, 14.2, that a variant keeps or breaks.
type Rules struct {
	Name   string
	Breaks string // invariants of which a broken variant must break one, with spaces between

	Once    bool // a number that began a stream begins no other for a while
	Forgets bool // that ends
	Lower   bool // a number that is not above the last begins a stream when nothing was heard of that for a while
	Waits   bool // and not at once
	Begins  bool // an ask that shows a chunk begins none
	Kept    bool // an owner that meets the asker again still knows what it began
	Anew    bool // the asker takes the next number where no chunk comes
}

// Text is the protocol as it is written.
func Text() *Rules {
	return &Rules{Name: "text", Once: true, Forgets: true, Lower: true, Waits: true, Begins: true, Kept: true, Anew: true}
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
	add("a-number-begins-twice", "whole", func(x *Rules) { x.Once = false })
	add("begun-for-the-session", "again", func(x *Rules) { x.Forgets = false })
	add("only-above", "again", func(x *Rules) { x.Lower = false })
	add("any-number-at-once", "kept", func(x *Rules) { x.Waits = false })
	add("a-word-in-the-middle-begins", "whole kept again", func(x *Rules) { x.Begins = false })
	add("forgotten-with-the-dead", "whole", func(x *Rules) { x.Kept = false })
	add("never-anew", "again", func(x *Rules) { x.Anew = false })
	return list
}
