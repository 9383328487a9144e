package shm

import (
	"encoding/binary"
	"hash/fnv"
	"sync/atomic"

	"github.com/ringcast/ringcast/codec/layout"
)

// openNode opens the node segment, or makes it: the id and epoch of the node.
func (d *Domain) openNode(c *Config) error {
	seg, err := d.openSegment(Spec{
		Path: d.path(nodeFile), Kind: layout.SegmentKindNode,
		Size: layout.SegmentHeaderSize + layout.NodeRecordSize, FixedSize: fixedSize,
		Fill: func(b []byte) { fillNode(b[layout.SegmentHeaderSize:], c.Node, d.dir) },
	}, !d.readOnly)
	if err != nil {
		return err
	}
	d.node = seg
	if len(seg.Bytes()) < layout.SegmentHeaderSize+layout.NodeRecordSize {
		return damagedGeometry(seg, "a node record beyond the file")
	}
	b := seg.Bytes()[layout.SegmentHeaderSize:]
	d.nodeID = binary.LittleEndian.Uint32(b[layout.NodeRecordNodeOffset:])
	d.epoch = binary.LittleEndian.Uint32(b[layout.NodeRecordEpochOffset:])
	if d.nodeID == 0 || d.epoch == 0 {
		return damagedGeometry(seg, "node or epoch 0")
	}
	if c.Node != 0 && c.Node != d.nodeID {
		return &NodeError{Dir: d.dir, Found: d.nodeID, Wanted: c.Node}
	}
	return nil
}

func fillNode(b []byte, node uint32, dir string) {
	for node == 0 {
		node = makeNodeID(machineID(), dir, random64())
	}
	binary.LittleEndian.PutUint32(b[layout.NodeRecordNodeOffset:], node)
	binary.LittleEndian.PutUint32(b[layout.NodeRecordEpochOffset:], random32())
}

// makeNodeID mixes what tells nodes apart: the machine, the directory for two
// nodes on one machine, and chance for cloned machines.
func makeNodeID(machine, dir string, chance uint64) uint32 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(machine))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(dir))
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, chance))
	sum := h.Sum64()
	return uint32(sum ^ sum>>32)
}

// session is the word of the forwarder's incarnation.
func (d *Domain) session() *atomic.Uint64 {
	return word64(d.node.Bytes(), layout.SegmentHeaderSize+layout.NodeRecordSessionOffset)
}

// forwarder is the word that names the forwarder's record.
func (d *Domain) forwarder() *atomic.Uint64 {
	return word64(d.node.Bytes(), layout.SegmentHeaderSize+layout.NodeRecordForwarderOffset)
}

// damagedGeometry says that a segment whose checksum is right describes what can't be.
func damagedGeometry(s *Segment, found string) error {
	return &DamagedError{Path: s.Path(), Found: found, Wanted: "a geometry that fits the file"}
}
