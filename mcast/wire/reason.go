package wire

// Reason says why a frame was refused; OK that it was not.
type Reason uint8

// The reasons, in the order in which the checks are made.
const (
	OK Reason = iota
	BadTruncated
	BadMagic
	BadVersion
	BadLength
	BadDomain
	BadNode
	BadSession
	BadFlags
	BadKey
	BadIgnorable
	BadType
	BadSize
	BadReserved
	BadCount
	BadRange
	BadLane
	BadText
	BadMessage
	BadCompression
	ReasonCount = int(BadCompression) + 1
)

var reasonTexts = [ReasonCount]string{
	OK:             "ok",
	BadTruncated:   "shorter than a header",
	BadMagic:       "not a frame of ours",
	BadVersion:     "another version",
	BadLength:      "length differs from the datagram's",
	BadDomain:      "another domain",
	BadNode:        "node 0",
	BadSession:     "session 0, or too great",
	BadFlags:       "flags that cannot be",
	BadKey:         "key id without encryption",
	BadIgnorable:   "unknown type that may be ignored",
	BadType:        "unknown type",
	BadSize:        "body too short or too long",
	BadReserved:    "reserved bytes are not zero",
	BadCount:       "a count that does not fit the body",
	BadRange:       "a range that cannot be",
	BadLane:        "no such lane",
	BadText:        "a name that cannot be",
	BadMessage:     "a message that does not fit",
	BadCompression: "compressed bytes that do not unfold",
}

// String returns the reason as a noun phrase.
func (r Reason) String() string {
	if int(r) < len(reasonTexts) {
		return reasonTexts[r]
	}
	return "unknown reason"
}
