//! What a ring is made with, and where things lie in its files (spec/ring.md, 2).

use crate::error::{Error, Result};
use crate::layout::{self, consumer_entry, ring_control, ring_geometry as geometry, segment_header, slot_header};
use crate::layout::{ring_kind, ring_mode, ring_purpose};
use crate::segment::Segment;

/// Where the changing words of a ring begin.
pub const CONTROL_START: usize = segment_header::SIZE + geometry::SIZE;
/// Where its claim words begin.
pub const CLAIMS_START: usize = CONTROL_START + ring_control::SIZE;
/// Where its slots begin in the data file.
pub const SLOTS_START: usize = layout::PAGE_SIZE as usize;

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_HOUR: u64 = 3_600_000 * NS_PER_MS;
/// What the slots of a topic carry together at most, where nobody asked for their number.
const STANDARD_BYTES: u64 = 16 << 20;

/// The shape of a ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// N.
    pub slots: u64,
    /// Bytes of payload of a slot.
    pub payload: u64,
    /// A value of `ring_mode`.
    pub mode: u64,
    /// A value of `ring_kind`.
    pub kind: u64,
    /// A value of `ring_purpose`.
    pub purpose: u64,
    /// How long others wait for an open claim.
    pub commit_deadline_ns: u64,
    /// How long a reader may stand in the way.
    pub stall_budget_ns: u64,
    /// How far back its publishers promise.
    pub history: u64,
}

/// What a publisher asks for; what it does not ask for stays as it is.
#[derive(Clone, Copy, Default, Debug)]
pub struct Ask {
    /// Number of slots, a power of two from 4 (latest: 64) to 2^20.
    pub slots: Option<u64>,
    /// Bytes of payload of a slot, rounded up to a multiple of 64.
    pub payload: Option<u64>,
    /// A value of `ring_mode`.
    pub mode: Option<u64>,
    /// A value of `ring_kind`.
    pub kind: Option<u64>,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            slots: layout::DEFAULT_SLOT_COUNT,
            payload: layout::DEFAULT_SLOT_PAYLOAD,
            mode: ring_mode::RELIABLE,
            kind: ring_kind::SHARED,
            purpose: ring_purpose::TOPIC,
            commit_deadline_ns: layout::DEFAULT_COMMIT_DEADLINE_NS,
            stall_budget_ns: layout::DEFAULT_STALL_BUDGET_NS,
            history: 0,
        }
    }
}

impl Shape {
    /// This shape with what is asked for in it.
    pub fn with(self, ask: &Ask) -> Shape {
        let asked = Shape {
            payload: ask.payload.map_or(self.payload, |p| p.max(1).next_multiple_of(64)),
            mode: ask.mode.unwrap_or(self.mode),
            kind: ask.kind.unwrap_or(self.kind),
            ..self
        };
        let standard = self.purpose == ring_purpose::TOPIC && self.slots == self.standard_slots();
        let slots = ask.slots.unwrap_or(if standard { asked.standard_slots() } else { self.slots });
        Shape { slots, history: self.history.min(slots / 2), ..asked }
    }

    /// How many slots a topic has where nobody asked for a number (messaging.md, 1).
    fn standard_slots(&self) -> u64 {
        let mut slots = layout::DEFAULT_SLOT_COUNT;
        while slots > layout::MIN_DEFAULT_SLOT_COUNT
            && slots / 4 >= self.history
            && slots.saturating_mul(self.payload) > STANDARD_BYTES
        {
            slots /= 2;
        }
        slots
    }

    /// How many slots it has at least (ring.md, 2).
    fn least_slots(&self) -> u64 {
        if self.mode == ring_mode::LATEST { layout::MIN_LATEST_SLOT_COUNT } else { layout::MIN_SLOT_COUNT }
    }

    /// Why this is no shape, if it is none.
    pub fn fault(&self) -> Option<&'static str> {
        let budget = (2 * self.commit_deadline_ns.min(NS_PER_HOUR))..=NS_PER_HOUR;
        let checks = [
            (
                self.slots.is_power_of_two() && (self.least_slots()..=1 << 20).contains(&self.slots),
                "slots are a power of two from 4, or 64 in mode latest, to 2^20",
            ),
            (
                self.payload % 64 == 0 && (64..=layout::MAX_SLOT_PAYLOAD).contains(&self.payload),
                "a slot has 64 bytes to 16 MiB, a multiple of 64",
            ),
            (matches!(self.mode, ring_mode::RELIABLE | ring_mode::LATEST), "no such mode"),
            (matches!(self.kind, ring_kind::SHARED | ring_kind::EXCLUSIVE), "no such kind"),
            ((ring_purpose::TOPIC..=ring_purpose::UPLINK).contains(&self.purpose), "no such purpose"),
            (
                (NS_PER_MS..=60_000 * NS_PER_MS).contains(&self.commit_deadline_ns),
                "the commit deadline is 1 ms to 1 min",
            ),
            (budget.contains(&self.stall_budget_ns), "the stall budget is twice the commit deadline to 1 h"),
            (self.history <= self.slots / 2, "the history is at most half of the slots"),
        ];
        checks.iter().find(|c| !c.0).map(|c| c.1)
    }

    /// The geometry of a control file with slots in the data file of that id.
    pub fn geometry(&self, data_id: u64) -> [u8; geometry::SIZE] {
        let mut bytes = [0; geometry::SIZE];
        let mut put =
            |at: usize, size: usize, value: u64| bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
        for (at, size, value) in self.fields() {
            put(at, size, value);
        }
        put(geometry::DATA_ID, 8, data_id);
        bytes
    }

    /// Every field of the geometry but `data_id`: offset, size, value. Nothing else may stand there.
    fn fields(&self) -> [(usize, usize, u64); 15] {
        [
            (geometry::SLOT_COUNT, 4, self.slots),
            (geometry::SLOT_STRIDE, 4, self.stride() as u64),
            (geometry::SLOT_PAYLOAD, 4, self.payload),
            (geometry::ENTRY_COUNT, 4, layout::ENTRY_COUNT),
            (geometry::CLAIMS_START, 4, CLAIMS_START as u64),
            (geometry::ENTRIES_START, 4, self.entries_start() as u64),
            (geometry::SLOTS_START, 4, SLOTS_START as u64),
            (geometry::MODE, 1, self.mode),
            (geometry::KIND, 1, self.kind),
            (geometry::PURPOSE, 1, self.purpose),
            (geometry::COMMIT_DEADLINE_NS, 8, self.commit_deadline_ns),
            (geometry::STALL_BUDGET_NS, 8, self.stall_budget_ns),
            (geometry::MESSAGE_LIMIT, 4, self.message_limit() as u64),
            (geometry::HISTORY, 4, self.history),
            (geometry::FLAGS, 4, 0),
        ]
    }

    /// The shape of an open control file, checked, and the id of its data file.
    pub fn of(ctl: &Segment) -> Result<(Shape, u64)> {
        let get = |at: usize, size: usize| ctl.fixed(segment_header::SIZE + at, size);
        if ctl.fixed_size() != CONTROL_START {
            return Err(ctl.damaged("not the fixed size of a ring"));
        }
        let shape = Shape {
            slots: get(geometry::SLOT_COUNT, 4),
            payload: get(geometry::SLOT_PAYLOAD, 4),
            mode: get(geometry::MODE, 1),
            kind: get(geometry::KIND, 1),
            purpose: get(geometry::PURPOSE, 1),
            commit_deadline_ns: get(geometry::COMMIT_DEADLINE_NS, 8),
            stall_budget_ns: get(geometry::STALL_BUDGET_NS, 8),
            history: get(geometry::HISTORY, 4),
        };
        if let Some(fault) = shape.fault() {
            return Err(ctl.damaged(fault));
        }
        let fields = shape.fields();
        let odd = fields.iter().find(|(at, size, value)| *at != geometry::FLAGS && get(*at, *size) != *value);
        if odd.is_some() || ctl.size() != shape.control_size() {
            return Err(ctl.damaged("its parts lie where they can't"));
        }
        Ok((shape, get(geometry::DATA_ID, 8)))
    }

    /// Bytes from slot to slot.
    pub fn stride(&self) -> usize {
        self.payload as usize + slot_header::SIZE
    }

    /// Where the entries begin in the control file.
    pub fn entries_start(&self) -> usize {
        (CLAIMS_START + 8 * self.slots as usize).next_multiple_of(consumer_entry::SIZE)
    }

    /// Bytes of the control file.
    pub fn control_size(&self) -> usize {
        self.entries_start() + layout::ENTRY_COUNT as usize * consumer_entry::SIZE
    }

    /// Bytes of the data file.
    pub fn data_size(&self) -> usize {
        SLOTS_START + self.slots as usize * self.stride()
    }

    /// The largest message.
    pub fn message_limit(&self) -> usize {
        (self.slots / 2 * self.payload).min(layout::MAX_MESSAGE) as usize
    }

    /// Whether reliable readers hold producers back.
    pub fn is_gated(&self) -> bool {
        self.mode == ring_mode::RELIABLE
    }

    /// Whether it has one producer at a time.
    pub fn is_exclusive(&self) -> bool {
        self.kind == ring_kind::EXCLUSIVE
    }

    /// Refuses what is no shape.
    pub fn check(self) -> Result<Shape> {
        self.fault().map_or(Ok(self), |fault| Err(Error::Invalid(fault.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_a_shape_and_others_are_none() {
        assert_eq!(Shape::default().fault(), None);
        for ask in [(2, 64), (63, 64), (96, 64), (1 << 21, 64), (64, (16 << 20) + 64)] {
            let ask = Ask { slots: Some(ask.0), payload: Some(ask.1), ..Ask::default() };
            assert!(Shape::default().with(&ask).fault().is_some(), "{ask:?}");
        }
        for (slots, mode) in [(4, ring_mode::RELIABLE), (64, ring_mode::LATEST)] {
            let of = |n| Shape::default().with(&Ask { slots: Some(n), mode: Some(mode), ..Ask::default() });
            assert!(of(slots).fault().is_none() && of(slots / 2).fault().is_some(), "{slots}");
        }
        let rounded = Shape::default().with(&Ask { payload: Some(100), ..Ask::default() });
        assert_eq!((rounded.payload, rounded.fault()), (128, None));
    }

    #[test]
    fn large_slots_are_few() {
        let cases =
            [(None, 16384, 1024), (None, 16385, 512), (None, 65536, 256), (None, 4 << 20, 64), (Some(128), 65536, 128)];
        for (slots, payload, have) in cases {
            let made = Shape::default().with(&Ask { slots, payload: Some(payload), ..Ask::default() });
            assert_eq!((made.slots, made.fault()), (have, None), "{payload}");
        }
        let asked = Ask { payload: Some(4 << 20), ..Ask::default() };
        assert_eq!(Shape { slots: 256, ..Shape::default() }.with(&asked).slots, 256);
        assert_eq!(Shape { history: 33, ..Shape::default() }.with(&asked).slots, 128);
    }

    #[test]
    fn places_as_the_text_says() {
        let shape = Shape { slots: 64, payload: 128, ..Shape::default() };
        assert_eq!((CONTROL_START, CLAIMS_START, SLOTS_START), (256, 1024, 4096));
        assert_eq!((shape.entries_start(), shape.control_size()), (1536, 1536 + 256 * 128));
        assert_eq!((shape.stride(), shape.data_size(), shape.message_limit()), (192, 4096 + 64 * 192, 4096));
    }
}
