package asks

// Bounds of the model, and times in steps of 50 ms.
const (
	chunks     = 3  // of a stream
	numbers    = 32 // of streams, before they wrap
	window     = 2
	framesMost = 24

	apart   = 1   // between two streams of one member
	quiet   = 10  // without a word of the last, and any number begins
	once    = 200 // in which a number begins no other
	idle    = 80  // without a word, and a stream ends
	askEach = 4
	restart = 20 // without a chunk
	giveUp  = 40
	flight  = 60  // that a frame is under way at most
	stopFor = 100 // that somebody is stopped at most
)

// frame is an ask, or a chunk of a reading.
type frame struct {
	there, chunk, last bool
	number             int // of the stream
	next               int // of an ask: all below is here
	mask               int // what is here, as bits by chunk
	at                 int // of a chunk: which
	reading            int
	sent               int
	waits              bool // at the socket of who is stopped
	forged             bool
}

// asker is who wants what was published before.
type asker struct {
	asks     bool // a name; else it wants nothing
	number   int
	got      [chunks]int // the reading of which each chunk is; 0: not here
	next     int
	begun    int
	progress int
	askAt    int
	full     bool
	stopped  int // till then
	done     int // names that came whole
	given    int // names that were given up
}

// begun is a stream that was begun.
type begunAt struct{ number, at int }

// owner is who answers.
type owner struct {
	serving bool
	number  int
	reading int
	have    int // chunks that the asker shows, as bits
	base    int
	made    int
	heard   int
	begun   []begunAt
	last    int // the last word of the last stream
	stopped int
}

type state struct {
	rules  *Rules
	now    int
	asker  asker
	owner  owner
	frames [framesMost]frame
	broken Violation
}

func newState(rules *Rules) *state {
	return &state{rules: rules, now: 1000}
}

// send puts a frame on its way, in place of one that is too old where there is no room.
func (s *state) send(f frame) {
	f.there, f.sent = true, s.now
	oldest := 0
	for i := range s.frames {
		if !s.frames[i].there {
			s.frames[i] = f
			return
		}
		if s.frames[i].sent < s.frames[oldest].sent {
			oldest = i
		}
	}
	s.frames[oldest] = f
}

// above says whether a number is above another one.
func above(a, b int) bool { return a != b && (a-b+numbers)%numbers < numbers/2 }
