package main

import (
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Base types of the reflection schema that a struct may hold.
const (
	baseBool   = 2
	baseByte   = 3
	baseUByte  = 4
	baseShort  = 5
	baseUShort = 6
	baseInt    = 7
	baseUInt   = 8
	baseLong   = 9
	baseULong  = 10
	baseFloat  = 11
	baseDouble = 12
	baseObject = 15
)

// Slots of the vtables of reflection.fbs that are needed here.
const (
	schemaObjects = 4
	schemaEnums   = 6

	objectName     = 4
	objectFields   = 6
	objectIsStruct = 8
	objectMinAlign = 10
	objectByteSize = 12
	objectDoc      = 16
	objectFile     = 18

	fieldName       = 4
	fieldType       = 6
	fieldOffset     = 10
	fieldAttributes = 22
	fieldDoc        = 24
	fieldPadding    = 28

	typeBase  = 4
	typeIndex = 8

	enumName       = 4
	enumValues     = 6
	enumIsUnion    = 8
	enumUnderlying = 10
	enumAttributes = 12
	enumDoc        = 14
	enumFile       = 16

	valueName  = 4
	valueValue = 6
	valueDoc   = 12

	keyKey   = 4
	keyValue = 6
)

// A node is one table of a binary schema. It trusts the buffer, which flatc
// has just written.
type node struct{ flatbuffers.Table }

// rootNode returns the root table of a binary schema.
func rootNode(b []byte) (node, error) {
	if len(b) < 8 || !flatbuffers.BufferHasIdentifier(b, "BFBS") {
		return node{}, fmt.Errorf("binary schema of %d bytes: no BFBS identifier", len(b))
	}
	return node{flatbuffers.Table{Bytes: b, Pos: flatbuffers.GetUOffsetT(b)}}, nil
}

// place returns where the field of the slot lies, and false if it is absent.
func (n node) place(slot flatbuffers.VOffsetT) (flatbuffers.UOffsetT, bool) {
	o := n.Offset(slot)
	return n.Pos + flatbuffers.UOffsetT(o), o != 0
}

func (n node) text(slot flatbuffers.VOffsetT) string {
	p, ok := n.place(slot)
	if !ok {
		return ""
	}
	return n.String(p)
}

func (n node) child(slot flatbuffers.VOffsetT) node {
	p, ok := n.place(slot)
	if !ok {
		return node{}
	}
	return node{flatbuffers.Table{Bytes: n.Bytes, Pos: n.Indirect(p)}}
}

// children returns the tables of a vector of tables.
func (n node) children(slot flatbuffers.VOffsetT) []node {
	var list []node
	for _, p := range n.elements(slot) {
		list = append(list, node{flatbuffers.Table{Bytes: n.Bytes, Pos: n.Indirect(p)}})
	}
	return list
}

// texts returns the strings of a vector of strings.
func (n node) texts(slot flatbuffers.VOffsetT) []string {
	var list []string
	for _, p := range n.elements(slot) {
		list = append(list, n.String(p))
	}
	return list
}

// elements returns the places of the offsets in a vector.
func (n node) elements(slot flatbuffers.VOffsetT) []flatbuffers.UOffsetT {
	o := n.Offset(slot)
	if o == 0 {
		return nil
	}
	start, count := n.Vector(flatbuffers.UOffsetT(o)), n.VectorLen(flatbuffers.UOffsetT(o))
	list := make([]flatbuffers.UOffsetT, count)
	for i := range list {
		list[i] = start + flatbuffers.UOffsetT(i)*flatbuffers.SizeUOffsetT
	}
	return list
}

// attributes returns the attributes of a field or enum by name.
func (n node) attributes(slot flatbuffers.VOffsetT) map[string]string {
	m := make(map[string]string)
	for _, kv := range n.children(slot) {
		m[kv.text(keyKey)] = kv.text(keyValue)
	}
	return m
}

func (n node) boolean(slot flatbuffers.VOffsetT) bool { return n.GetBoolSlot(slot, false) }
func (n node) i32(slot flatbuffers.VOffsetT, absent int32) int {
	return int(n.GetInt32Slot(slot, absent))
}
