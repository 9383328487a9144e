// Package guard bounds what one source may do, and sets apart a source that does far more.
//
// A Bucket is a token bucket. A Table has one for each kind of thing and each of a bounded number
// of sources. A source whose bucket is empty is put in quarantine: whoever keeps the table ignores
// it for a time that doubles with each return, after which it is released by itself.
//
//	note ──▶ note ──▶ ... ──▶ over the limit ──▶ quarantine 1, 2, 4 .. 64 s ──▶ released
//
// The package has no clock: the instant is handed in, as a running time that begins anywhere.
// What is limited, and by how much, is spec/wire.md, 9 and spec/messaging.md, 15.
package guard
