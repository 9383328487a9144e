//! The file of a queue group: take words, in-hand rows, and reports of the dead (spec/ring.md, 14).

use crate::error::Result;
use crate::layout::{Claim, Entry, consumer_entry as entry, entry_mode, entry_state, group_header, in_hand_row as row};
use crate::layout::{in_hand_state as hand, row_state, segment_header, segment_kind, take_state};
use crate::segment::{Found, Plan, Segment, new_id};
use crate::words::{NOBODY, Words};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

const TAKEN_START: usize = 256;
/// How many rows a group has.
pub const ROWS: usize = 1024;
/// The `joined` of a group's entry that a replacer carried over.
const CARRIED: u64 = u64::MAX;

/// A group's file, open.
pub struct Group {
    file: Segment,
    slots: u64,
}

/// The word of a row's hand.
pub fn hand_word(position: u64, state: u64) -> u64 {
    position << 2 | state
}

fn rows_start(slots: u64) -> usize {
    (TAKEN_START + 8 * slots as usize).next_multiple_of(128)
}

impl Group {
    /// Opens the file of a group of that ring.
    pub fn open(path: &Path, words: &Words) -> Result<Group> {
        let found = Segment::open(path, segment_kind::RING_GROUP, true)?;
        let (Found::Ready(file) | Found::Retired(file)) = found;
        let slots = words.shape.slots;
        let get = |at: usize, size: usize| file.fixed(segment_header::SIZE + at, size);
        let right = file.fixed_size() == 192
            && file.size() == rows_start(slots) + ROWS * row::SIZE
            && get(group_header::RING_ID, 8) == words.ctl.id
            && get(group_header::TAKEN_START, 4) == TAKEN_START as u64
            && get(group_header::ROWS_START, 4) == rows_start(slots) as u64
            && get(group_header::ROW_COUNT, 4) == ROWS as u64;
        if !right {
            return Err(file.damaged("not a group of its ring"));
        }
        Ok(Group { file, slots })
    }

    /// The same; makes it if it is not there.
    pub fn open_or_make(path: &Path, words: &Words) -> Result<Group> {
        loop {
            match Group::open(path, words) {
                Err(e) if e.is_missing() => (),
                end => return end,
            }
            let mut geometry = [0; 64];
            let mut put =
                |at: usize, size: usize, v: u64| geometry[at..at + size].copy_from_slice(&v.to_le_bytes()[..size]);
            put(group_header::RING_ID, 8, words.ctl.id);
            put(group_header::TAKEN_START, 4, TAKEN_START as u64);
            put(group_header::ROWS_START, 4, rows_start(words.shape.slots) as u64);
            put(group_header::ROW_COUNT, 4, ROWS as u64);
            let size = rows_start(words.shape.slots) + ROWS * row::SIZE;
            let rights = words.ctl.file().metadata().ok().map(|m| {
                use std::os::unix::fs::MetadataExt;
                (m.mode() & 0o666, m.gid())
            });
            let plan = Plan { kind: segment_kind::RING_GROUP, id: new_id()?, size, geometry: &geometry, rights };
            let folder = path.parent().unwrap_or(Path::new("/"));
            let mut made = Segment::build(folder, &plan, |_| ())?;
            if made.link(path)? {
                return Ok(Group { file: made, slots: words.shape.slots });
            }
        }
    }

    /// Which entry of the ring is the group's.
    fn gate(&self) -> &AtomicU64 {
        self.file.map.u64(segment_header::SIZE + group_header::GATE)
    }

    /// Goes up when there may be reports.
    pub fn events(&self) -> &AtomicU64 {
        self.file.map.u64(segment_header::SIZE + group_header::RESERVED6)
    }

    fn take_at(&self, position: u64) -> &AtomicU64 {
        self.file.map.u64(TAKEN_START + 8 * (position % self.slots) as usize)
    }

    /// The take word of a position: its owner is a row.
    pub fn take(&self, position: u64) -> Claim {
        Claim(self.take_at(position).load(SeqCst)) // pairs(take)
    }

    /// Swaps a take word, the whole of it.
    pub fn swap_take(&self, position: u64, old: Claim, new: Claim) -> bool {
        self.take_at(position).compare_exchange(old.0, new.0, SeqCst, SeqCst).is_ok()
    }

    /// A word of a row.
    pub fn row(&self, index: usize, field: usize) -> &AtomicU64 {
        self.file.map.u64(rows_start(self.slots) + (index % ROWS) * row::SIZE + field)
    }

    /// A row's state, loaded.
    pub fn load_row(&self, index: usize) -> Entry {
        Entry(self.row(index, row::STATE).load(SeqCst)) // pairs(row)
    }

    /// Swaps a row's state, the whole of it.
    pub fn swap_row(&self, index: usize, old: Entry, new: Entry) -> bool {
        self.row(index, row::STATE).compare_exchange(old.0, new.0, SeqCst, SeqCst).is_ok()
    }

    /// Swaps a row's hand at a position from one state to another.
    pub fn swap_hand(&self, index: usize, position: u64, old: u64, new: u64) -> bool {
        let (old, new) = (hand_word(position, old), hand_word(position, new));
        self.row(index, row::POSITION).compare_exchange(old, new, SeqCst, SeqCst).is_ok() // pairs(hand)
    }

    /// Before a position that was started is passed: its row bears it for certain.
    pub fn confirm(&self, position: u64, take: Claim) {
        if take.state() == take_state::STARTED {
            self.swap_hand(take.owner().into(), position, hand::UNCONFIRMED, hand::CONFIRMED);
        }
    }

    /// The entry that is the group's, with its generation; a new group begins at `begin`.
    pub fn settle(&self, words: &Words, name: u32, begin: u64) -> Result<Option<(usize, u32)>> {
        loop {
            let gate = self.gate().load(SeqCst);
            if let Some(index) =
                (gate as u32 as usize).checked_sub(1).filter(|i| *i < crate::layout::ENTRY_COUNT as usize)
            {
                let (word, generation) = (words.load_entry(index), (gate >> 32) as u32);
                if word.generation() == generation && word.state() != entry_state::FREE {
                    let left = Entry::new(generation, NOBODY, entry_state::LEAVING);
                    if word.state() == entry_state::JOINING && !words.swap_entry(index, word, left) {
                        continue;
                    }
                    return Ok(Some((index, generation)));
                }
            }
            let names = |index: usize, word: Entry| u64::from(word.generation()) << 32 | (index as u64 + 1);
            let to = |new: u64| self.gate().compare_exchange(gate, new, SeqCst, SeqCst).is_ok();
            if let Some(index) = words.entries().find(|i| is_carried(words, *i, name)) {
                if to(names(index, words.load_entry(index))) {
                    words.entry(index, entry::JOINED).store(0, SeqCst);
                }
                continue;
            }
            let Some((index, word)) = crate::reader::take_entry(words, entry_mode::GROUP)? else { return Ok(None) };
            words.entry32(index, entry::GROUP).store(name, SeqCst);
            for (field, value) in [(entry::LEASE_END, 0), (entry::JOINED, begin), (entry::CURSOR, begin)] {
                words.entry(index, field).store(value, SeqCst);
            }
            if !to(names(index, word)) {
                words.swap_entry(index, word, word.freed());
            }
        }
    }

    /// Moves the gate over all that was started or is done; false: it stands.
    pub fn move_gate(&self, words: &Words, index: usize) -> bool {
        let cursor = words.entry(index, entry::CURSOR);
        let gate = cursor.load(SeqCst);
        let mut next = gate;
        while next < gate.saturating_add(self.slots) {
            let (take, lap) = (self.take(next), words.lap(next));
            if !is_settled(take, lap) {
                break;
            }
            if take.lap() == lap {
                self.confirm(next, take);
            }
            next += 1;
        }
        if next == gate || cursor.compare_exchange(gate, next, SeqCst, SeqCst).is_err() {
            return false; // pairs(cursor)
        }
        let used = words.entry(index, entry::BLOCKED_NS);
        let bits = crate::layout::BLOCKED_BITS;
        let _ = used.fetch_and(!0 << bits, SeqCst);
        if words.load_tail() <= next.saturating_add(self.slots / 2) {
            words.wake_producers();
        }
        true
    }

    /// Turns what the dead among those named had in hand into reports.
    pub fn report(&self, words: &Words, is_dead: impl Fn(u16) -> bool) {
        let mut any = false;
        for index in 0..ROWS {
            loop {
                let word = self.load_row(index);
                let named = matches!(word.state(), row_state::HELD | row_state::REPORTED);
                if !named || !is_dead(word.participant()) {
                    break;
                }
                any = true;
                let to = match word.state() {
                    row_state::REPORTED => Some(row_state::ABANDONED),
                    _ => self.judge(words, index),
                };
                if to.is_some_and(|state| self.swap_row(index, word, word.in_state(state))) {
                    break;
                }
            }
        }
        if any {
            self.events().fetch_add(1, SeqCst); // pairs(report)
            words.wake_readers();
        }
    }

    /// What becomes of the row of a dead taker; None: look again.
    fn judge(&self, words: &Words, index: usize) -> Option<u64> {
        let word = self.row(index, row::POSITION).load(SeqCst);
        let (position, state) = (word >> 2, word & 3);
        if state == hand::CONFIRMED {
            return Some(row_state::ABANDONED);
        }
        if state == hand::UNCONFIRMED {
            let take = self.take(position);
            let started = Claim::new(words.lap(position), index as u16, take_state::STARTED);
            if take == started {
                self.confirm(position, take);
                return None;
            }
            if self.row(index, row::POSITION).load(SeqCst) != word {
                return None;
            }
        }
        Some(row_state::FREE)
    }
}

/// Whether nobody takes the position of that lap any more.
pub fn is_settled(take: Claim, lap: u64) -> bool {
    take.lap() > lap || take.lap() == lap && matches!(take.state(), take_state::DONE | take_state::STARTED)
}

fn is_carried(words: &Words, index: usize, name: u32) -> bool {
    let mode = u64::from(words.entry32(index, entry::MODE).load(SeqCst));
    mode == entry_mode::GROUP
        && words.load_entry(index).state() != entry_state::FREE
        && words.entry(index, entry::JOINED).load(SeqCst) == CARRIED
        && words.entry32(index, entry::GROUP).load(SeqCst) == name
}
