package splice

// Rules are those of spec/wire.md, 14, that a variant keeps or breaks.
type Rules struct {
	Name   string
	Breaks string // invariants of which a broken variant must break one, with spaces between

	Counted   bool // the splice is where the list was first here, not where the owner answers (14.3)
	Versions  bool // that is looked up by the list's version, not by since when the topic is wanted without a gap (14.3)
	FirstList bool // the ask names the version with which the name began to be asked for, not the newest (14.1)
	InHand    bool // what is in hand at the splice lies before it (14.3)
	Opened    bool // where nothing was forwarded then, the splice is where that begins (14.3)
	ToSplice  bool // the stream ends at the splice, not where the owner answers (14.3)
	Place     bool // a Place for a producer of which nothing was put on a lane since (14.3)
	PlaceAll  bool // a Place for every producer, of what was sent by the time of the answer
	Hold      bool // what the lane brings waits for the stream (14.1)
	Waits     bool // rows of a topic that is wanted already wait until the lane is read to a snapshot (14.5)
	Fresh     bool // that is younger than the answer (14.5)
	LaneFirst bool // of these the lane's first message, and what follows it, wins (14.5)
	Takes     bool // something is taken of the stream for such a topic
	Begun     bool // who is known by a row alone is not followed yet (14.5)
	Resumes   bool // for a successor every topic is one that is wanted already (14.5)
	Stood     bool // a ring that is read again stands behind what was put on a lane (14.3)
	EndsToo   bool // and where a lane is read on (14.5)
	Ends      bool // the ends are looked at where a hole was given up while something was held (14.5)
}

// Text is the protocol as it is written.
func Text() *Rules {
	return &Rules{Name: "text", Counted: true, Versions: true, FirstList: true, InHand: true, Opened: true, ToSplice: true, Place: true, Hold: true, Waits: true, Fresh: true, LaneFirst: true, Takes: true, Begun: true, Resumes: true, Ends: true, Stood: true, EndsToo: true}
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
	add("splice-where-it-answers", "since", func(x *Rules) { x.Counted = false })
	add("rows-to-the-answer", "since cause", func(x *Rules) { x.ToSplice, x.PlaceAll = false, true })
	add("since-it-is-wanted", "cause history tail", func(x *Rules) { x.Versions = false })
	add("newest-version", "since history", func(x *Rules) { x.FirstList = false })
	add("in-hand-left-out", "since cause tail history", func(x *Rules) { x.InHand = false })
	add("splice-before-it-is-forwarded", "since cause history", func(x *Rules) { x.Opened = false })
	add("place-of-the-answer", "cause", func(x *Rules) { x.PlaceAll = true })
	add("no-hold", "once order since history", func(x *Rules) { x.Hold = false })
	add("what-is-wanted-begins-anew", "since", func(x *Rules) { x.Waits, x.LaneFirst = false, false })
	add("lane-not-read", "since cause", func(x *Rules) { x.Waits = false })
	add("any-snapshot", "since cause", func(x *Rules) { x.Fresh = false })
	add("rows-over-the-lane", "since cause order history", func(x *Rules) { x.LaneFirst = false })
	add("what-is-wanted-is-followed-whole", "history", func(x *Rules) { x.Takes = false })
	add("successor-begins-anew", "since", func(x *Rules) { x.Resumes = false })
	add("where-it-is-read-again", "since cause history tail", func(x *Rules) { x.Stood = false })
	add("no-ends-of-who-is-met-again", "tail", func(x *Rules) { x.EndsToo = false })
	add("no-ends", "tail", func(x *Rules) { x.Ends = false })
	return list
}
