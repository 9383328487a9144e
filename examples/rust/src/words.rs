//! The words of a ring's control file, and what is done with them from both sides: waking,
//! sealing, taking back what the dead held (spec/ring.md, 2, 8, 9, 12 and 13).

use crate::domain::Peers;
use crate::layout::{
    Claim, Entry, LAP_LIMIT, LOW, OWNER_SEALED, PAD, claim_state, consumer_entry, entry_mode, entry_state,
    segment_state,
};
use crate::layout::{ring_control as control, slot_header};
use crate::mapping::Mapping;
use crate::segment::Segment;
use crate::shape::{CLAIMS_START, CONTROL_START, SLOTS_START, Shape};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64, fence};

/// The index that a group's entry names: nobody's.
pub const NOBODY: u16 = 0xffff;

/// A ring's control file, with the participants that its words name.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// The control file.
    pub ctl: &'a Segment,
    /// Its shape.
    pub shape: Shape,
    /// Who is alive, and whose bell is where.
    pub peers: Peers<'a>,
}

/// Numbers of the bits that are set.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as usize;
        word &= word.wrapping_sub(1);
        (bit < 64).then_some(bit)
    })
}

impl<'a> Words<'a> {
    /// A word of RingControl.
    pub fn control(&self, field: usize) -> &'a AtomicU64 {
        self.ctl.map.u64(CONTROL_START + field)
    }

    /// The position that is claimed next.
    pub fn tail(&self) -> &'a AtomicU64 {
        self.control(control::TAIL)
    }

    /// The tail, loaded; at most what no lap ever comes to, so that a scribbled one can be counted with.
    pub fn load_tail(&self) -> u64 {
        self.tail().load(SeqCst).min((LAP_LIMIT - 1) * self.shape.slots) // pairs(tail)
    }

    /// The owner of an exclusive ring.
    pub fn owner(&self) -> &'a AtomicU64 {
        self.control(control::OWNER)
    }

    /// The claim word of a position.
    pub fn claim(&self, position: u64) -> &'a AtomicU64 {
        self.ctl.map.u64(CLAIMS_START + 8 * (position % self.shape.slots) as usize)
    }

    /// The claim of a position, loaded.
    pub fn load_claim(&self, position: u64) -> Claim {
        Claim(self.claim(position).load(SeqCst)) // pairs(commit), pairs(claim)
    }

    /// Swaps a claim word, the whole of it.
    pub fn swap_claim(&self, position: u64, old: Claim, new: Claim) -> bool {
        self.claim(position).compare_exchange(old.0, new.0, SeqCst, SeqCst).is_ok()
    }

    /// The lap of a position.
    pub fn lap(&self, position: u64) -> u64 {
        position / self.shape.slots + 1
    }

    /// Where the slot of a position begins in the data file.
    pub fn slot(&self, position: u64) -> usize {
        SLOTS_START + (position % self.shape.slots) as usize * self.shape.stride()
    }

    /// A word of an entry.
    pub fn entry(&self, index: usize, field: usize) -> &'a AtomicU64 {
        self.ctl.map.u64(self.shape.entries_start() + index * consumer_entry::SIZE + field)
    }

    /// A short word of an entry: mode or group.
    pub fn entry32(&self, index: usize, field: usize) -> &'a AtomicU32 {
        self.ctl.map.u32(self.shape.entries_start() + index * consumer_entry::SIZE + field)
    }

    /// An entry's state word, loaded.
    pub fn load_entry(&self, index: usize) -> Entry {
        Entry(self.entry(index, consumer_entry::STATE).load(SeqCst)) // pairs(entry)
    }

    /// Swaps an entry's state word, the whole of it.
    pub fn swap_entry(&self, index: usize, old: Entry, new: Entry) -> bool {
        self.entry(index, consumer_entry::STATE).compare_exchange(old.0, new.0, SeqCst, SeqCst).is_ok()
    }

    /// The entries that may ever have been used.
    pub fn entries(&self) -> std::ops::Range<usize> {
        0..self.control(control::ENTRY_HIGH).load(SeqCst).min(crate::layout::ENTRY_COUNT) as usize
    }

    /// Adds to one of the counters of the ring.
    pub fn count(&self, field: usize) {
        self.control(field).fetch_add(1, SeqCst);
    }

    /// Wakes the readers that left word: after a commit, or what takes a claim out of WRITING.
    pub fn wake_readers(&self) {
        self.woken(control::READER_SUMMARY, control::READER_MASK0, 4, |bit| self.load_entry(bit).participant_if_used());
    }

    /// Wakes the producers that wait for room.
    pub fn wake_producers(&self) {
        self.woken(control::ROOM_SUMMARY, control::ROOM_MASK0, 16, |bit| Some(bit as u16));
    }

    /// Takes a summary and the masks that it names, and rings whom the bits stand for.
    fn woken(&self, summary: usize, masks: usize, count: usize, whom: impl Fn(usize) -> Option<u16>) {
        fence(SeqCst);
        if self.control(summary).load(SeqCst) == 0 {
            return;
        }
        let named = self.control(summary).swap(0, SeqCst); // pairs(reader-mask), pairs(room-mask)
        for word in bits(named).filter(|w| *w < count) {
            for bit in bits(self.control(masks + 8 * word).swap(0, SeqCst)) {
                if let Some(participant) = whom(64 * word + bit) {
                    self.peers.ring(participant);
                    self.count(control::WAKES);
                }
            }
        }
    }

    /// Leaves word that somebody sleeps: the bit in its mask first, then the mask's in the summary.
    pub fn leave_word(&self, summary: usize, masks: usize, bit: usize) {
        self.control(masks + 8 * (bit / 64)).fetch_or(1 << (bit % 64), SeqCst);
        self.control(summary).fetch_or(1 << (bit / 64), SeqCst);
    }

    /// Takes a claim from a writer that is dead or slow. Readers step over it from then on.
    pub fn quarantine(&self, position: u64, word: Claim) {
        let new = Claim::new(word.lap(), word.owner(), claim_state::QUARANTINED);
        if self.swap_claim(position, word, new) {
            self.count(control::QUARANTINED);
            self.wake_readers();
        }
    }

    /// Whether the ring was sealed: given up before anybody wrote it.
    pub fn is_sealed(&self) -> bool {
        if self.shape.is_exclusive() {
            return self.owner().load(SeqCst) & LOW == OWNER_SEALED; // pairs(seal)
        }
        self.load_claim(0) == Claim::SEAL
    }

    /// Whether nobody has written the ring, nor begun to.
    pub fn is_unwritten(&self) -> bool {
        self.load_tail() == 0 && (self.shape.is_exclusive() || matches!(self.load_claim(0), Claim(0) | Claim::SEAL))
    }

    /// Seals a ring that nobody has written; false: it is in use. A seal that is there will do.
    pub fn seal(&self) -> bool {
        if !self.shape.is_exclusive() {
            return self.swap_claim(0, Claim(0), Claim::SEAL) || self.is_sealed();
        }
        let word = self.owner().load(SeqCst);
        let generation = (word >> 32) as u32;
        match word & LOW {
            OWNER_SEALED => return true,
            0 => (),
            owner if self.peers.is_alive((owner - 1) as u16) => return false,
            _ => (),
        }
        let sealed = u64::from(generation.wrapping_add(1)) << 32 | OWNER_SEALED;
        let unwritten = self.load_tail() == 0;
        unwritten && self.owner().compare_exchange(word, sealed, SeqCst, SeqCst).is_ok()
    }

    /// Retires a ring in which an impossible word was found; all meet again under its name.
    pub fn retire_damaged(&self) {
        self.count(control::DAMAGED);
        let state = self.ctl.state();
        let _ = state.compare_exchange(segment_state::READY, segment_state::RETIRED, SeqCst, SeqCst);
        self.wake_readers();
        self.wake_producers();
    }

    /// Whether an entry names somebody who may still come: the ring must keep its files.
    pub fn is_awaited(&self) -> bool {
        self.entries().map(|i| self.load_entry(i)).any(|e| match e.state() {
            entry_state::FREE => false,
            state if e.participant() == NOBODY => state != entry_state::LEAVING,
            _ => self.peers.is_alive(e.participant()),
        })
    }

    /// Enters the readers of this ring into its successor, of which nobody knows yet.
    pub fn enter_readers(&self, successor: &Words) {
        for i in self.entries() {
            let word = self.load_entry(i);
            let mode = u64::from(self.entry32(i, consumer_entry::MODE).load(SeqCst));
            let is_group = mode == entry_mode::GROUP;
            let moves = if is_group { successor.shape.is_gated() } else { mode != entry_mode::MEMBER };
            if word.state() != entry_state::ACTIVE || !moves {
                continue;
            }
            let mode = if successor.shape.is_gated() { mode } else { entry_mode::LATEST };
            successor.control(control::ENTRY_HIGH).fetch_max(i as u64 + 1, SeqCst);
            successor.begin_entry(i, word.generation(), mode);
            if is_group {
                let group = self.entry32(i, consumer_entry::GROUP).load(SeqCst);
                successor.entry32(i, consumer_entry::GROUP).store(group, SeqCst);
                successor.entry(i, consumer_entry::JOINED).store(u64::MAX, SeqCst);
            }
            successor.entry(i, consumer_entry::STATE).store(word.0, SeqCst);
        }
    }

    /// What an entry says of a reader before it is ACTIVE.
    pub fn begin_entry(&self, index: usize, generation: u32, mode: u64) {
        self.entry32(index, consumer_entry::MODE).store(mode as u32, SeqCst);
        self.entry32(index, consumer_entry::GROUP).store(0, SeqCst);
        self.entry(index, consumer_entry::MISSED).store(0, SeqCst);
        self.entry(index, consumer_entry::BLOCKED_NS).store(u64::from(generation & 0xffff) << 48, SeqCst);
        self.entry(index, consumer_entry::BLOCKED_AT_NS).store(crate::sys::monotonic_ns(), SeqCst);
    }

    /// Takes back all that a dead index holds in this ring; false: it lives.
    pub fn take_back(&self, dead: u16) -> bool {
        let claims = (0..self.shape.slots).all(|position| self.take_back_claim(position, dead));
        let owner = self.owner().load(SeqCst);
        if claims && owner & LOW == u64::from(dead) + 1 && !self.peers.is_alive(dead) {
            let _ = self.owner().compare_exchange(owner, owner & !LOW, SeqCst, SeqCst);
        }
        for index in self.entries().filter(|_| claims) {
            loop {
                let word = self.load_entry(index);
                let used = word.state() != entry_state::FREE && word.participant() == dead;
                if !used || self.peers.is_alive(dead) || self.swap_entry(index, word, word.freed()) {
                    break; // or again: somebody has put it out meanwhile
                }
            }
        }
        self.wake_readers();
        self.wake_producers();
        claims
    }

    /// Takes back what is quarantined and of the dead at some positions; whether there was anything. The living's stays.
    pub fn take_back_quarantined(&self, positions: impl Iterator<Item = u64>) -> bool {
        let (mut taken, mut living) = (false, None);
        for t in positions {
            let word = self.load_claim(t);
            if word.state() != claim_state::QUARANTINED || living == Some(word.owner()) {
                continue; // a large message has many claims
            }
            match self.take_back_claim(t, word.owner()) {
                true => taken = true,
                false => living = Some(word.owner()),
            }
        }
        if taken {
            self.wake_readers();
        }
        taken
    }

    /// The same for one claim word, again until it does not name the dead.
    fn take_back_claim(&self, position: u64, dead: u16) -> bool {
        loop {
            let word = self.load_claim(position);
            let held = matches!(word.state(), claim_state::WRITING | claim_state::QUARANTINED);
            if !held || word.owner() != dead {
                return true;
            }
            if self.peers.is_alive(dead) {
                return false;
            }
            if self.swap_claim(position, word, Claim::new(word.lap(), 0, claim_state::HOLE)) {
                self.count(control::RECOVERED);
            }
        }
    }
}

impl Entry {
    /// Whose entry it is, if it is anybody's.
    pub fn participant_if_used(self) -> Option<u16> {
        (self.state() != entry_state::FREE && self.participant() != NOBODY).then_some(self.participant())
    }
}

/// The `published` word of the slot that begins there.
pub fn published(data: &Mapping, slot: usize) -> &AtomicU64 {
    data.u64(slot + slot_header::PUBLISHED)
}

/// The lap that a `published` word speaks of, and whether it is to be stepped over.
pub fn published_lap(word: u64) -> (u64, bool) {
    (word & !PAD, word & PAD != 0)
}
