package main

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ in, pascal, snake, macro string }{
		{"payload_start", "PayloadStart", "payload_start", "PAYLOAD_START"},
		{"room_mask15", "RoomMask15", "room_mask15", "ROOM_MASK15"},
		{"SlotHeader", "SlotHeader", "slot_header", "SLOT_HEADER"},
		{"InHandRow", "InHandRow", "in_hand_row", "IN_HAND_ROW"},
		{"SegmentIDBits", "SegmentIDBits", "segment_id_bits", "SEGMENT_ID_BITS"},
		{"Reserved64", "Reserved64", "reserved64", "RESERVED64"},
	} {
		if got := pascal(c.in); got != c.pascal {
			t.Errorf("pascal(%q) = %q, want %q", c.in, got, c.pascal)
		}
		if got := snake(c.in); got != c.snake {
			t.Errorf("snake(%q) = %q, want %q", c.in, got, c.snake)
		}
		if got := macro(c.in); got != c.macro {
			t.Errorf("macro(%q) = %q, want %q", c.in, got, c.macro)
		}
	}
}

func TestKeywordsGetAnUnderscore(t *testing.T) {
	if got := (&Field{Name: "class"}).cName(); got != "class_" {
		t.Errorf("class = %q in C", got)
	}
	if got := (&Field{Name: "classes"}).cName(); got != "classes" {
		t.Errorf("classes = %q in C", got)
	}
}

func TestOneNameTwiceIsRefused(t *testing.T) {
	structs := []*Struct{{Name: "Slot", Fields: []*Field{{Name: "header_size"}}}, {Name: "SlotHeader", Fields: []*Field{{Name: "size"}}}}
	err := checkNames([]*Schema{{Structs: structs}})
	if err == nil || !strings.Contains(err.Error(), "SLOT_HEADER_SIZE_OFFSET") {
		t.Errorf("two fields of one constant: %v", err)
	}
	enums := []*Enum{{Name: "Slot", Values: []*Value{{Name: "Size"}}}}
	if err := checkNames([]*Schema{{Structs: []*Struct{{Name: "Slot"}}, Enums: enums}}); err == nil {
		t.Error("an enum's value and a struct's size of one name were accepted")
	}
	if err := checkNames([]*Schema{loadSample(t)}); err != nil {
		t.Errorf("the sample: %v", err)
	}
}
