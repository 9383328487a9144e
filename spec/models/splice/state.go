package splice

// Bounds of the model. A walk that comes to one of the first four ends there.
const (
	producers = 2
	positions = 40 // of the ring, and of its successors
	versions  = 14 // of the asker's list
	numbers   = 20 // of streams
	slots     = 4
	none      = -1
)

// num is a position, a sequence, a version: all of them are small.
type num = int8

// entry is a datagram of a lane that the asker reads, with the message of one position, or rows that say what was
// sent elsewhere.
type entry struct {
	position num // none: it has rows
	last     [producers]num
	begun    num // how many entries there were when its first half was put; its second half is the entry
}

// row is one of a stream.
type row struct {
	place    bool
	producer num
	sequence num
}

// owner is the publisher's node. Positions go on when its ring is replaced, and base is where the present one began.
type owner struct {
	producer   [positions]num // of each position
	sequence   [positions]num
	tail, base num
	sent       [producers]num // published

	open   bool // the topic is forwarded
	opened num  // where that began
	cursor num  // the next position to be put on a lane
	kept   num  // less 1: where it was given up though it is wanted; 0: it was not
	stood  num  // behind what was put on a lane, or begun, ever
	part   num  // entries there were when half of cursor's message was put; none: it was not
	apart  bool // that was on the other's lane
	other  bool // the other member wants it
	last   [producers]num
	lastAt [producers]num // counted lists when something of it was put or passed over last

	gone [producers]bool // something of it went elsewhere, and no row has said so

	lane    [2 * positions]entry
	entries num

	wants   bool // the asker, as of the list that is here
	version num
	since   num           // version with which it began to be wanted without a gap
	marks   [versions]num // by version: the splice of the topic; opens: where it is opened
	lists   num           // that were taken

	number num // of the last stream
	stream struct {
		there, read      bool
		at, end, counted num
		rows             [2 * positions]row
		count            num
	}
}

// opens is the mark of a list that came while the topic was not forwarded.
const opens = none

// place is how far the asker is with a producer.
type place struct {
	known      bool
	begun      bool // something was handed over since
	next, done num
}

// joining is a producer of which stream and lane are put together.
type joining struct {
	next         num
	first        num // with which the lane's began that are held; 0: nothing is
	given, stays bool
}

// item is held: a message, or a loss.
type item struct {
	loss            bool
	producer        num
	first, sequence num
}

// nextAsk is what is asked for behind what is being asked for.
type nextAsk struct {
	there     bool
	ask, back num
}

type asker struct {
	wants   bool
	version num
	told    [versions]bool // what each list says
	back    num
	began   num // entries of the lane when it began to want the topic
	next    num // entry
	places  [producers]place
	tail    bool // the ends of producers are looked at

	holds   bool
	since   num  // entry with which the holding began; none: nothing is held
	already bool // what is asked for was wanted before
	reach   num  // up to which entry the lane is read before its rows are taken; none: not known
	more    nextAsk
	ask     num // version that is asked for
	number  num // of the stream
	taken   num // rows
	skipped bool
	joins   [producers]joining
	held    [2 * positions]item
	count   num
	ghost   ghost
}

// state is all that there is. It has no pointers but to the rules, so that states are compared and copied whole.
type state struct {
	rules  *Rules
	owner  owner
	asker  asker
	gone   [2 * positions]bool // entries that were given up
	ended  bool                // a bound of the model was met
	broken Violation
}

func newState(rules *Rules) *state {
	s := &state{rules: rules}
	s.owner.part = none
	for i := range producers {
		s.asker.places[i].next, s.asker.places[i].done = 1, 1
	}
	return s
}

// oldest is the first position that the ring holds.
func (o *owner) oldest() num { return max(o.base, o.tail-slots, 0) }

// splice is the position behind what was put on a lane, or begun.
func (s *state) splice() num {
	o := &s.owner
	at := o.cursor
	if o.part != none && s.rules.InHand {
		at++
	}
	if s.rules.Stood {
		at = max(at, o.stood)
	}
	return at
}

func count(x bool) int {
	if x {
		return 1
	}
	return 0
}
