//! One reader's entry in one ring, its lease, and what stands at a position (spec/ring.md, 5 to 7).

use crate::error::{Error, Result};
use crate::gate::Stuck;
use crate::layout::{
    Claim, Entry, LAP_LIMIT, claim_state, consumer_entry as entry, entry_mode, entry_state, message_flag,
};
use crate::layout::{ring_control, slot_header as header};
use crate::ring::Ring;
use crate::words::{Words, published, published_lap};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::fence;

/// What a reader finds at its cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// Nothing yet.
    Nothing,
    /// A message.
    There,
    /// A hole, or what was taken from a writer.
    StepOver,
    /// A writer that has not ended.
    Stuck,
    /// The position was overwritten.
    Overrun,
    /// The ring was given up before anybody wrote it.
    Sealed,
    /// A word that nobody writes.
    Damaged,
}

/// A message, or a fragment, that was found.
pub struct Piece {
    /// The header, copied.
    pub header: [u8; header::SIZE],
    /// Where the payload begins in the data file, if it is lent.
    pub start: usize,
    /// Bytes of payload.
    pub length: usize,
}

/// What came of taking a message.
pub enum Taken {
    /// It is in the slot (lent), or in the buffer that was given (copied).
    Piece(Piece),
    /// It was overwritten meanwhile.
    Overrun,
    /// Its header makes no sense.
    Damaged,
}

/// A reader of one ring.
pub struct Reader {
    /// The ring.
    pub ring: Box<Ring>,
    /// The position that is read next.
    pub cursor: u64,
    /// From here on it was there; what lies before is history.
    pub joined: u64,
    index: usize,
    /// What the entry says as long as it was not put out.
    word: Entry,
    latest: bool,
    stored: u64,
    lease_end: u64,
    /// Whether producers may not have been woken for the last store of the cursor.
    unfenced: bool,
    stuck: Stuck,
}

impl Reader {
    /// Enters a reader at the tail. `latest`: it holds nobody back.
    pub fn join(ring: Box<Ring>, latest: bool) -> Result<Reader> {
        let latest = latest || !ring.shape.is_gated();
        let mode = if latest { entry_mode::LATEST } else { entry_mode::RELIABLE };
        let words = ring.words();
        let (index, word) = match take_entry(&words, mode)? {
            Some(taken) => taken,
            None => {
                free_the_dead(&words);
                take_entry(&words, mode)?.ok_or_else(|| Error::Crowded(ring.ctl.path.display().to_string()))?
            }
        };
        let at = |field| words.entry(index, field);
        let tail = words.load_tail();
        at(entry::CURSOR).store(tail, SeqCst);
        at(entry::LEASE_END).store(tail, SeqCst);
        let active = word.in_state(entry_state::ACTIVE);
        words.swap_entry(index, word, active); // pairs(entry)
        fence(SeqCst); // against a producer's scan, between its loads of the tail and the entries
        let tail = words.load_tail();
        for field in [entry::LEASE_END, entry::CURSOR, entry::JOINED] {
            at(field).store(tail, SeqCst);
        }
        Ok(Reader::at(ring, index, active, latest, tail, tail))
    }

    /// Takes up the entry of a reader that was entered into its ring's successor. None: it was not.
    pub fn entered(ring: Box<Ring>, before: &Reader) -> std::result::Result<Reader, Box<Ring>> {
        let word = ring.words().load_entry(before.index);
        let same = word.generation() == before.word.generation() && word.participant() == before.word.participant();
        if !same || word.state() == entry_state::FREE {
            return Err(ring);
        }
        let latest = before.latest || !ring.shape.is_gated();
        Ok(Reader::at(ring, before.index, word.in_state(entry_state::ACTIVE), latest, 0, 0))
    }

    fn at(ring: Box<Ring>, index: usize, word: Entry, latest: bool, cursor: u64, joined: u64) -> Reader {
        let stuck = Stuck::default();
        Reader { ring, cursor, joined, index, word, latest, stored: joined, lease_end: joined, unfenced: false, stuck }
    }

    /// Gives the entry up, whatever state our generation is in, after the last access to a slot.
    pub fn leave(&mut self) {
        let words = self.ring.words();
        loop {
            let word = words.load_entry(self.index);
            let ours = word.generation() == self.word.generation() && word.participant() == self.word.participant();
            if !ours || word.state() == entry_state::FREE || words.swap_entry(self.index, word, word.freed()) {
                break;
            }
        }
        words.wake_producers();
    }

    /// Whether it has its entry still.
    pub fn is_active(&self) -> bool {
        self.ring.words().load_entry(self.index) == self.word
    }

    /// Whether what it reads is copied and checked, instead of lent.
    pub fn copies(&self) -> bool {
        self.latest || self.cursor < self.joined
    }

    /// Stores the cursor if enough messages are behind it, or if told to; what lies before it is
    /// free to be overwritten then.
    pub fn release(&mut self, at_once: bool) {
        let words = self.ring.words();
        let batch = (words.shape.slots / 16).clamp(1, 16);
        if self.cursor > self.stored && (at_once || self.cursor - self.stored >= batch) {
            words.entry(self.index, entry::CURSOR).store(self.cursor, Release); // pairs(cursor)
            self.stored = self.cursor;
            self.unfenced = true;
        }
        if at_once && self.unfenced {
            fence(SeqCst);
            self.make_room();
        }
    }

    /// Behind a fence: wakes producers if half of the ring is free again.
    fn make_room(&mut self) {
        self.unfenced = false;
        let words = self.ring.words();
        if words.load_tail() <= self.stored + words.shape.slots / 2 {
            words.wake_producers();
        }
    }

    /// Makes sure that the cursor's slot is lent, where it has to be; false: it was put out.
    pub fn lend(&mut self) -> bool {
        if self.copies() || self.cursor < self.lease_end {
            return true;
        }
        let words = self.ring.words();
        self.lease_end = self.cursor + (words.shape.slots / 2).min(64);
        words.entry(self.index, entry::CURSOR).store(self.cursor, Release); // pairs(cursor)
        words.entry(self.index, entry::LEASE_END).store(self.lease_end, Relaxed);
        fence(SeqCst); // pairs(lease)
        self.stored = self.cursor;
        let lent = self.is_active();
        self.make_room();
        lent
    }

    /// What stands at the cursor.
    pub fn look(&self) -> Look {
        look(&self.ring, self.cursor)
    }

    /// Takes the message at the cursor: where it is lent, it is left in its slot.
    pub fn take(&self, buffer: &mut Vec<u8>) -> Taken {
        if self.copies() {
            return copy(&self.ring, self.cursor, buffer);
        }
        let words = self.ring.words();
        let slot = words.slot(self.cursor);
        let mut head = [0; header::SIZE];
        self.ring.data.map.read(slot, &mut head);
        bounds(&words, slot, head).map_or(Taken::Damaged, Taken::Piece)
    }

    /// Where an overrun reader that copies goes on.
    pub fn where_to_go_on(&self) -> u64 {
        let words = self.ring.words();
        let (tail, slots) = (words.load_tail(), words.shape.slots);
        let target = match self.cursor < self.joined {
            true => tail.saturating_sub(slots - (slots / 8).max(1)).min(self.joined),
            false => tail.saturating_sub(slots / 2),
        };
        target.max(self.cursor + 1)
    }

    /// Where a history of so many positions begins.
    pub fn go_back(&mut self, history: u64) {
        self.cursor = self.joined.saturating_sub(history.min(self.ring.shape.slots - 1));
    }

    /// The cursor stands at a writer that has not ended: takes the claim when its time is over.
    pub fn wait_for_writer(&mut self) {
        self.stuck.look(&self.ring.words(), self.cursor);
    }

    /// Leaves word that this reader sleeps. False: whoever publishes may not see it in time.
    pub fn leave_word(&self) -> bool {
        let words = self.ring.words();
        words.leave_word(ring_control::READER_SUMMARY, ring_control::READER_MASK0, self.index);
        words.control(ring_control::OWNER_FLAGS).load(SeqCst) & 1 == 0 || crate::sys::fence_the_registered()
    }

    /// Shows how many positions passed it by.
    pub fn note_missed(&self, missed: u64) {
        let word = self.ring.words().entry(self.index, entry::MISSED);
        word.store(word.load(Relaxed) + missed, Relaxed);
    }

    /// Frees the entry that bears this reader's word in the successor of a ring that it left.
    pub fn leave_successor(&self) {
        if self.ring.ctl.is_retired() {
            let next = Ring::open_there(&self.ring.domain, &self.ring.name);
            if let Some(mut reader) = next.and_then(|ring| Reader::entered(ring, self).ok()) {
                reader.leave();
                reader.leave_successor();
            }
        }
    }
}

/// What stands at a position of a ring.
pub fn look(ring: &Ring, position: u64) -> Look {
    let words = ring.words();
    let lap = words.lap(position);
    let word = published(&ring.data.map, words.slot(position)).load(SeqCst); // pairs(publish)
    if !words.shape.is_exclusive() {
        return if word == lap { Look::There } else { look_at_claim(&words, position, lap) };
    }
    match published_lap(word) {
        (at, _) if at < lap && words.is_sealed() => Look::Sealed,
        (at, _) if at < lap => Look::Nothing,
        (at, _) if at > lap => Look::Overrun,
        (_, true) => Look::StepOver,
        _ => Look::There,
    }
}

fn look_at_claim(words: &Words, position: u64, lap: u64) -> Look {
    let tail = words.load_tail();
    let claim = words.load_claim(position); // pairs(commit)
    if claim.lap() == LAP_LIMIT {
        let at_the_start = position % words.shape.slots == 0 && tail == 0;
        return if claim == Claim::SEAL && at_the_start { Look::Sealed } else { Look::Damaged };
    }
    match claim.state() {
        _ if claim.lap() < lap => {
            if tail > position {
                Look::Damaged
            } else {
                Look::Nothing
            }
        }
        _ if claim.lap() > lap => Look::Overrun,
        claim_state::READY => Look::There,
        claim_state::HOLE | claim_state::QUARANTINED => Look::StepOver,
        claim_state::WRITING => Look::Stuck,
        _ => Look::Damaged,
    }
}

/// Copies the message at a position, and sees that it lay still meanwhile.
pub fn copy(ring: &Ring, position: u64, buffer: &mut Vec<u8>) -> Taken {
    let words = ring.words();
    let (slot, before) = (words.slot(position), words.load_claim(position));
    let right = Claim::new(words.lap(position), before.owner(), claim_state::READY);
    if !words.shape.is_exclusive() && before != right {
        return Taken::Overrun;
    }
    let mut head = [0; header::SIZE];
    ring.data.map.read(slot, &mut head);
    let piece = bounds(&words, slot, head);
    if let Some(piece) = &piece {
        buffer.resize(piece.length, 0);
        ring.data.map.read(piece.start, buffer);
    }
    fence(Acquire);
    let still = match words.shape.is_exclusive() {
        true => words.load_tail() <= position.saturating_add(words.shape.slots),
        false => words.load_claim(position) == before,
    };
    match piece {
        _ if !still => Taken::Overrun,
        Some(piece) => Taken::Piece(piece),
        None => Taken::Damaged,
    }
}

/// Takes a free entry for this participant: JOINING. None: all are taken.
pub(crate) fn take_entry(words: &Words, mode: u64) -> Result<Option<(usize, Entry)>> {
    for index in 0..crate::layout::ENTRY_COUNT as usize {
        let old = words.load_entry(index);
        if old.state() != entry_state::FREE {
            continue;
        }
        words.control(ring_control::ENTRY_HIGH).fetch_max(index as u64 + 1, SeqCst);
        let generation = match old.0 {
            0 => crate::segment::new_id()? as u32 | 1,
            _ => old.generation().wrapping_add(1),
        };
        let word = Entry::new(generation, words.peers.own_index(), entry_state::JOINING);
        if words.swap_entry(index, old, word) {
            words.begin_entry(index, generation, mode);
            return Ok(Some((index, word)));
        }
    }
    Ok(None)
}

pub(crate) fn free_the_dead(words: &Words) {
    for index in words.entries() {
        let word = words.load_entry(index);
        if word.participant_if_used().is_some_and(|p| !words.peers.is_alive(p)) {
            words.swap_entry(index, word, word.freed());
        }
    }
}

/// Where the payload lies, if it lies in the slot.
fn bounds(words: &Words, slot: usize, head: [u8; header::SIZE]) -> Option<Piece> {
    let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("four bytes")) as usize;
    let flags = u64::from(u16::from_le_bytes(head[header::FLAGS..header::FLAGS + 2].try_into().expect("two bytes")));
    let block = if flags & message_flag::ADDRESSED != 0 { crate::layout::address_block::SIZE } else { 0 };
    let (start, length) = (word(header::PAYLOAD_START), word(header::PAYLOAD_LENGTH));
    let fits = start >= header::SIZE + block && start + length <= words.shape.stride();
    fits.then_some(Piece { header: head, start: slot + start, length })
}
