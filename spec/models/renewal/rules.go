package renewal

// Rules are those that a variant keeps or breaks.
type Rules struct {
	Name   string
	Breaks string // invariants of which a broken variant must break one, with spaces between

	Waits  bool // nothing more is sent until all members have what was sent
	Back   bool // what they do not have after a while is sent anew
	Anew   bool // of a message of which a part was sent the new session sends the whole
	Stays  bool // the reader holds the publishers back meanwhile
	Wanted bool // the new session sends nothing until those that were there have said what they want
	Joined bool // and have joined it
	Known  bool // members know beyond sessions what comes next of a producer
	First  bool // the row of a producer says with which message the session begins
}

// Text is the protocol as it is written.
func Text() *Rules {
	return &Rules{Name: "text", Waits: true, Back: true, Anew: true, Stays: true, Wanted: true, Joined: true, Known: true, First: true}
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
	add("begins-at-once", "whole", func(x *Rules) { x.Waits = false })
	add("goes-on-from-where-it-reads", "whole", func(x *Rules) { x.Back = false })
	add("sends-the-rest-of-what-is-in-hand", "whole", func(x *Rules) { x.Anew = false })
	add("leaves-the-ring", "whole", func(x *Rules) { x.Stays = false })
	add("sends-before-it-is-asked", "whole", func(x *Rules) { x.Wanted = false })
	add("asked-is-enough", "whole", func(x *Rules) { x.Joined = false })
	add("next-is-of-the-session", "once hidden", func(x *Rules) { x.Known = false })
	add("rows-begin-with-the-producer", "promised", func(x *Rules) { x.First = false })
	return list
}
