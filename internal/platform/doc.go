// Package platform refuses, when a program is compiled, the targets on which rings
// cannot be right. Package shm imports it, and so does whatever uses a segment.
//
// Ringcast runs on linux/amd64 and linux/arm64:
//
//   - Linux, for futexes, open-file-description locks and O_TMPFILE with linkat;
//   - 64 bits, because a word that several processes change has 64, and a ring may be
//     larger than an address space of 32;
//   - little endian, because headers are overlaid where they lie in the segment, and
//     their bytes are the same for all processes of a node in every language;
//   - a processor whose orders of memory were looked into: spec/ring.md, section 3,
//     with the models litmus-*.pml.
//
// The protocol between nodes (mcast, mcast/wire) and the codec build anywhere.
package platform
