package moves

// Rules are those of spec/wire.md that a variant keeps or breaks.
type Rules struct {
	Name     string
	Breaks   string        // invariants of which a broken variant must break one, with spaces between
	Directed [members]bool // who takes a directed lane

	JoinBoth  bool // who has not joined its lane, too, wants nothing (4.4)
	Rows      bool // rows stand on the new lane though nothing follows (15.6)
	PutOut    bool // who gets no further while a topic moves is put out (15.5)
	Gone      bool // lane 0 while a member that went is thought of (15.4)
	Tethered  bool // no lane of a member that is put out of it (15.4)
	Await     bool // a move waits at all
	RowAnew   bool // also where a Setup says as much of that lane (15.6)
	RowLast   bool // a row's last is what was sent on other lanes, too (15.6)
	SetupLast bool // a Setup's last of a row that is not the present one is what was sent under it (15.6)
	Patience  bool // who is put out is waited for no longer (15.5)
}

// Text is the protocol as it is written.
func Text() *Rules {
	return &Rules{Name: "text", Directed: [members]bool{true, true}, JoinBoth: true, Rows: true, RowAnew: true, PutOut: true, Gone: true,
		Tethered: true, Await: true, RowLast: true, SetupLast: true, Patience: true}
}

// Whole are the variants that break nothing: the text, with all members as they may be, and without the choices that
// make for fewer moves but are no need.
func Whole() []*Rules {
	one, old, forgetful := Text(), Text(), Text()
	one.Name, one.Directed[1] = "one-without-directed", false
	old.Name, old.Directed = "none-with-directed", [members]bool{}
	forgetful.Name, forgetful.Gone, forgetful.Tethered = "more-moves", false, false
	return []*Rules{Text(), one, old, forgetful}
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
	add("no-wait", "order cause repairable", func(x *Rules) { x.Await = false })
	add("wait-for-who-is-out", "ends progress", func(x *Rules) { x.Patience = false })
	add("nobody-put-out", "ends progress", func(x *Rules) { x.PutOut = false })
	add("join-one-lane", "beginning cause repairable order", func(x *Rules) { x.JoinBoth = false })
	add("no-rows", "tail", func(x *Rules) { x.Rows = false })
	add("no-rows-where-a-setup-says-so", "tail", func(x *Rules) { x.RowAnew = false })
	add("last-of-the-lane", "order tail cause", func(x *Rules) { x.RowLast = false })
	add("setup-says-all", "order cause repairable", func(x *Rules) { x.SetupLast = false })
	return list
}
