//! A member's place in one ring: its entry, its row, and the group's entry (spec/ring.md, 14).

use crate::error::{Error, Result};
use crate::group::{Group, ROWS, is_settled};
use crate::layout::{Claim, Entry, consumer_entry as entry, entry_mode, entry_state, fnv32, in_hand_row as row};
use crate::layout::{in_hand_state as hand, row_state, take_state};
use crate::reader;
use crate::ring::Ring;
use crate::words::NOBODY;
use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU64, fence};

/// A member's place in one ring.
pub(crate) struct Seat {
    pub(crate) ring: Box<Ring>,
    pub(crate) group: Group,
    /// The group's entry and its generation.
    pub(crate) index: usize,
    pub(crate) generation: u32,
    pub(crate) own: usize,
    pub(crate) own_word: Entry,
    pub(crate) row: usize,
    pub(crate) row_word: Entry,
}

impl Seat {
    /// Takes a seat in the ring; a group that is not there begins at the tail, or at 0.
    pub(crate) fn take(ring: Box<Ring>, name: &str, from_start: bool) -> Result<Seat> {
        let words = ring.words();
        if !ring.shape.is_gated() {
            return Err(Error::Invalid(format!("topic {}: only reliable topics have queue groups", ring.name)));
        }
        let crowded = || Error::Crowded(ring.ctl.path.display().to_string());
        let path = group_path(&ring, name);
        let group = Group::open_or_make(&path, &words)?;
        let begin = if from_start { 0 } else { words.load_tail() };
        let (index, generation) = group.settle(&words, fnv32(name.bytes()), begin)?.ok_or_else(crowded)?;
        let (row, row_word) = take_row(&ring, &group).ok_or_else(crowded)?;
        let (own, joining) = match reader::take_entry(&words, entry_mode::MEMBER)? {
            Some(taken) => taken,
            None => {
                group.swap_row(row, row_word, row_word.in_state(row_state::FREE));
                return Err(crowded());
            }
        };
        words.entry32(own, entry::GROUP).store(index as u32 + 1, SeqCst);
        let own_word = joining.in_state(entry_state::ACTIVE);
        words.swap_entry(own, joining, own_word); // pairs(entry)
        fence(SeqCst);
        Ok(Seat { ring, group, index, generation, own, own_word, row, row_word })
    }

    /// The group's gate.
    pub(crate) fn gate(&self) -> u64 {
        self.ring.words().entry(self.index, entry::CURSOR).load(SeqCst)
    }

    /// The state word of the group's entry.
    pub(crate) fn entry(&self) -> Entry {
        self.ring.words().load_entry(self.index)
    }

    /// What this member has in hand.
    pub(crate) fn hand(&self) -> &AtomicU64 {
        self.group.row(self.row, row::POSITION)
    }

    /// Brings a group that was put out or left back to where the ring still is; returns how many
    /// positions are missed.
    pub(crate) fn come_back(&self) -> u64 {
        let (words, slots, mut missed) = (self.ring.words(), self.ring.shape.slots, 0);
        let word = self.entry();
        if word.state() == entry_state::EVICTING {
            words.swap_entry(self.index, word, word.in_state(entry_state::EVICTED));
            return 0;
        }
        let goal = words.load_tail().saturating_sub(slots / 2);
        let gate = self.gate();
        for slot in (0..slots).filter(|_| goal > gate) {
            let lap_before = |end: u64| if end > slot { (end - 1 - slot) / slots + 1 } else { 0 };
            missed += self.settle_slot(slot, lap_before(goal), lap_before(gate));
        }
        words.entry(self.index, entry::CURSOR).fetch_max(goal, SeqCst);
        words.wake_producers();
        if word.state() != entry_state::ACTIVE && word.generation() == self.generation {
            words.swap_entry(self.index, word, Entry::new(self.generation, NOBODY, entry_state::ACTIVE));
        }
        missed
    }

    /// Stamps the last position of a slot before the goal; returns how many this passed over.
    fn settle_slot(&self, slot: u64, last: u64, first: u64) -> u64 {
        if last <= first {
            return 0;
        }
        loop {
            let take = self.group.take(slot);
            if take.lap() <= last && take.lap() > 0 {
                self.group.confirm((take.lap() - 1) * self.ring.shape.slots + slot, take);
            }
            if is_settled(take, last) {
                return 0;
            }
            if self.group.swap_take(slot, take, Claim::new(last, 0, take_state::DONE)) {
                let open = u64::from(take.state() == take_state::TAKEN);
                return last - first.max(take.lap().saturating_sub(open));
            }
        }
    }

    /// Gives everything back; the last member leaves the group behind, which holds nobody then.
    pub(crate) fn leave(&self) {
        let words = self.ring.words();
        let confirmed = self.hand().load(SeqCst) & 3 == hand::CONFIRMED;
        let state = if confirmed { row_state::ABANDONED } else { row_state::FREE };
        self.group.swap_row(self.row, self.row_word, self.row_word.in_state(state));
        words.swap_entry(self.own, self.own_word, self.own_word.freed());
        let has_members = || {
            words.entries().any(|i| {
                u64::from(words.entry32(i, entry::MODE).load(SeqCst)) == entry_mode::MEMBER
                    && words.entry32(i, entry::GROUP).load(SeqCst) as usize == self.index + 1
                    && words.load_entry(i).participant_if_used().is_some()
            })
        };
        while !has_members() {
            let word = self.entry();
            let used = (0..ROWS).any(|r| self.group.load_row(r).state() != row_state::FREE);
            let left = word.in_state(if used { entry_state::EVICTED } else { entry_state::LEAVING });
            let ours = word.generation() == self.generation && word.participant() == NOBODY;
            if !ours || !words.swap_entry(self.index, word, left) || !has_members() {
                break;
            }
            words.swap_entry(self.index, left, left.in_state(entry_state::ACTIVE));
        }
        words.wake_readers();
        words.wake_producers();
    }
}

fn group_path(ring: &Ring, name: &str) -> PathBuf {
    ring.ctl.path.with_extension(format!("{:015x}.{name}.group", ring.ctl.id))
}

/// Takes a row for one message in hand; None: all are taken.
fn take_row(ring: &Ring, group: &Group) -> Option<(usize, Entry)> {
    let words = ring.words();
    group.report(&words, |i| i != NOBODY && !words.peers.is_alive(i));
    let mine = ring.domain.row_word();
    (0..ROWS).find_map(|index| {
        let word = group.load_row(index);
        if word.state() != row_state::FREE || !group.swap_row(index, word, mine) {
            return None;
        }
        let address = ring.domain.address(0);
        let half = |at: usize| u64::from_le_bytes(address[at..at + 8].try_into().expect("eight bytes"));
        group.row(index, row::RESERVED0).store(half(0), SeqCst);
        group.row(index, row::RESERVED1).store(half(8), SeqCst);
        group.row(index, row::POSITION).store(0, SeqCst);
        Some((index, mine))
    })
}
