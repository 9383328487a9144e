// Package fields reads and writes payloads of content fields: a list of byte strings.
//
// Each field is its length, a u32 in little endian, and then its bytes; one follows the
// other, and nothing stands before, between or behind them. So each list has one form
// and each form is of one list: no bytes are no fields, four zeros are one empty field.
//
// Nothing is promised about what the bytes of a field are. A payload that was written by
// somebody else is checked to its end before any field of it is handed out.
//
//	payload := fields.Append(nil, []byte("AAPL"), []byte("100"))
//	list, err := fields.Parse(payload)
//
// The layout is section 6 of spec/messaging.md; testdata/golden.txt has examples of it,
// right and wrong, for readers in all languages, and is never written again.
package fields
