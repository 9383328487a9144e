package layout

// What a segment begins with. A reader refuses another Major; a higher Minor only appends.
const (
	// Magic is "RINGCAST" read as a little-endian word.
	Magic uint64 = 0x5453_4143_474E_4952
	// Major is the version of the layout that this code writes and reads.
	Major = 1
	// Minor counts the fields that were appended since Major.
	Minor = 0
)

// Alignments of the format, in bytes.
const (
	// CacheLine is what two writers must not share.
	CacheLine = 64
	// PageSize is the smallest page of the machines that map segments; areas begin on it where that is free.
	PageSize = 4096
)

// Bits of the words that carry several values.
const (
	// SegmentIDBits bounds a segment's id: the other four bits of a successor word are its state.
	SegmentIDBits = 60
	// StateBits is the width of the state in segment, claim and take words.
	StateBits = 4
	// StateMask selects the state of segment, claim and take words.
	StateMask = 1<<StateBits - 1
	// OwnerBits is the width of the owner in claim and take words.
	OwnerBits = 16
	// LapBits is the width of the lap in claim and take words.
	LapBits = 44
	// LapLimit is never claimed: a word that bears it says that the ring was sealed.
	LapLimit = 1<<LapBits - 1
	// OwnerSealed is nobody's: an exclusive ring whose owner word bears it in its low half was sealed.
	OwnerSealed = 1<<32 - 1
	// BlockedBits is the width of the nanoseconds in an entry's blocked_ns; the generation's low bits lie above.
	BlockedBits = 48
)

// Sizes of the participants segment.
const (
	// ParticipantCount is how many participants a node may have at once: 4 MiB of records.
	ParticipantCount = 1024
	// ParticipantRecordStride is the distance of two records in bytes: one page each.
	ParticipantRecordStride = 4096
	// ParticipantEndings is how many lives back a record tells how they ended.
	ParticipantEndings = 8
	// ParticipantEndingsOffset is where in a ParticipantRecord these words lie: reserved11 holds them.
	ParticipantEndingsOffset = 128
	// ParticipantInfoCapacity is the room for a ParticipantInfo table in the record; larger ones go to a file.
	ParticipantInfoCapacity = ParticipantRecordStride - ParticipantRecordSize
	// MaxParticipantInfo bounds a ParticipantInfo table wherever it lies, in bytes.
	MaxParticipantInfo = 1 << 20
)

// Sizes of the directory, forwarder and counters segments.
const (
	// DirectoryAreaSize is the room for the Directory table in bytes: some thousand remote participants.
	DirectoryAreaSize = 1 << 20
	// ForwarderCursorCount is the number of local topics that are forwarded at once.
	ForwarderCursorCount = 4096
	// ForwarderStreamCount is the number of remote producers' handles whose place is remembered.
	ForwarderStreamCount = 16384
	// ForwarderPeerCount is the number of lanes of other nodes whose place is remembered.
	ForwarderPeerCount = 1024
	// CounterRowCount is the number of counters that one participant may have.
	CounterRowCount = 256
	// CounterLabelSize is the room for a counter's label in its row, in bytes.
	CounterLabelSize = CounterRowSize - CounterRowLabelOffset
	// CounterRowLabelOffset is where the label of a counter begins: the row's reserved words hold it.
	CounterRowLabelOffset = CounterRowLabel0Offset
)

// Rings.
const (
	// EntryCount is the number of consumer entries of a ring; the wait masks have a bit for each.
	EntryCount = 256
	// MinSlotCount is the smallest ring of mode Reliable.
	MinSlotCount = 4
	// MinLatestSlotCount is the smallest ring of mode Latest, where a writer that is lapped loses its claim.
	MinLatestSlotCount = 64
	// MinDefaultSlotCount is the fewest slots that a topic has where nobody asked for a number.
	MinDefaultSlotCount = 64
	// MaxSlotCount bounds what a header may claim.
	MaxSlotCount = 1 << 26
	// MaxSlotPayload is the largest slot, in bytes of payload.
	MaxSlotPayload = 16 << 20
	// DefaultSlotCount is the length of a topic's ring where nobody asked for another.
	DefaultSlotCount = 1024
	// DefaultSlotPayload is the payload of a slot in bytes where nobody asked for another.
	DefaultSlotPayload = 2048
	// DefaultInboxSlotCount is the length of an inbox.
	DefaultInboxSlotCount = 256
	// DefaultCommitDeadlineNs is how long a claim may stay uncommitted before it is stepped over: 50 ms.
	DefaultCommitDeadlineNs = 50_000_000
	// DefaultStallBudgetNs is how long a reliable reader may hold up producers before it is put out: 500 ms.
	DefaultStallBudgetNs = 500_000_000
	// MaxMessage is the largest message in bytes, however many slots it takes: 16 MiB.
	MaxMessage = 16 << 20
)

// MaxName is the longest name of a topic or service in bytes: with its suffix it is a file name.
const MaxName = 200
