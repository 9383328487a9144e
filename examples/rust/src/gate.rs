//! How far producers may go, and whom they charge where they may not (spec/ring.md, 6).

use crate::layout::{Claim, Entry, claim_state, consumer_entry as entry, entry_mode, entry_state, ring_control};
use crate::sys::monotonic_ns;
use crate::words::{NOBODY, Words};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;

/// Before this much waiting nobody is asked whether he lives, and then only so often.
const ASK_AFTER_NS: u64 = 1_000_000;
const ASK_EVERY_NS: u64 = 5_000_000;
/// How many slots are looked at where one was quarantined, besides that one.
const MOST_RECLAIMED: u64 = 64;
/// What one step of a clock counts at most: a pause of one's own accuses nobody.
const STEP_LIMIT_NS: u64 = 10_000_000;

/// When somebody was last asked whether he lives.
#[derive(Default)]
pub struct Asking {
    began: Option<u64>,
    asked: Option<u64>,
}

impl Asking {
    /// Whether it is time to ask.
    pub fn is_due(&mut self, now: u64) -> bool {
        let began = *self.began.get_or_insert(now);
        let due = match self.asked {
            None => now.saturating_sub(began) >= ASK_AFTER_NS,
            Some(last) => now.saturating_sub(last) >= ASK_EVERY_NS,
        };
        if due {
            self.asked = Some(now);
        }
        due
    }
}

/// How long something has stood unchanged, in this program's own running time.
#[derive(Default)]
pub struct Watched {
    seen: Option<(u64, u64)>,
    last: u64,
    total: u64,
    asking: Asking,
}

impl Watched {
    /// Notes what stands there now; returns for how long it has, and whether it is time to ask.
    pub fn look(&mut self, position: u64, word: u64) -> (u64, bool) {
        let now = monotonic_ns();
        if self.seen != Some((position, word)) {
            *self = Watched { seen: Some((position, word)), last: now, ..Watched::default() };
        }
        self.total += now.saturating_sub(self.last).min(STEP_LIMIT_NS);
        self.last = now;
        (self.total, self.asking.is_due(now))
    }
}

/// What a handle knows of the readers of its ring.
#[derive(Default)]
pub struct Gate {
    /// No reliable reader's cursor lies below.
    lowest: u64,
    /// Slots lent to readers that were put out: cursor and end of the lease.
    pins: Vec<(u64, u64)>,
    /// When the last look of this wait was.
    last: Option<u64>,
    asking: Asking,
    writer: Watched,
    /// When the owners of quarantined claims were asked for last.
    writer_asked: u64,
    /// The slot, modulo the capacity, at which they are looked at next.
    writer_next: u64,
}

impl Gate {
    /// Takes quarantined claims of the dead back, where it is time for a look: that of `t`, and those of the slots behind
    /// where it looked last. Whether there were any.
    pub fn takes_back(&mut self, words: &Words, t: u64) -> bool {
        let now = monotonic_ns();
        if now.saturating_sub(self.writer_asked) < ASK_EVERY_NS {
            return false;
        }
        self.writer_asked = now;
        let from = self.writer_next;
        self.writer_next = from.wrapping_add(words.shape.slots.min(MOST_RECLAIMED));
        words.take_back_quarantined(std::iter::once(t).chain(from..self.writer_next))
    }

    /// Whether a position may be claimed, as far as is known.
    pub fn passes(&self, words: &Words, position: u64) -> bool {
        !words.shape.is_gated() || position < self.lowest.saturating_add(words.shape.slots)
    }

    /// The same, after a look at the entries where that is needed.
    pub fn opens(&mut self, words: &Words, position: u64) -> bool {
        if !self.passes(words, position) {
            self.refresh(words);
        }
        self.passes(words, position)
    }

    /// The wait is over: somebody made room.
    pub fn passed(&mut self) {
        self.last = None;
        self.asking = Asking::default();
    }

    /// Whether the slot of a position is lent to a reader that was put out.
    pub fn is_pinned(&self, words: &Words, position: u64) -> bool {
        self.pins.iter().any(|(from, end)| {
            let lent = from.saturating_add(position.saturating_sub(*from) % words.shape.slots);
            position >= *from && lent < *end && lent != position
        })
    }

    fn refresh(&mut self, words: &Words) {
        self.pins.clear();
        let mut lowest = words.load_tail();
        fence(SeqCst); // against the join's, between ACTIVE and its second load of the tail
        for i in words.entries() {
            let state = words.load_entry(i).state();
            let cursor = words.entry(i, entry::CURSOR).load(SeqCst); // pairs(cursor)
            if state == entry_state::EVICTED {
                let end = words.entry(i, entry::LEASE_END).load(SeqCst); // pairs(lease)
                if end > cursor && end - cursor <= words.shape.slots {
                    self.pins.push((cursor, end));
                }
            } else if holds(words, i, state) {
                lowest = lowest.min(cursor);
            }
        }
        self.lowest = lowest;
    }

    /// Deals with those that keep `position` from being claimed. The first look of a wait charges
    /// nobody.
    pub fn blame(&mut self, words: &Words, position: u64) {
        let now = monotonic_ns();
        let Some(last) = self.last.replace(now) else {
            self.asking.is_due(now);
            return;
        };
        let ask = self.asking.is_due(now);
        let excused = self.waits_for_a_writer(words).then_some(self.lowest);
        for i in words.entries() {
            let word = words.load_entry(i);
            let cursor = words.entry(i, entry::CURSOR).load(SeqCst);
            if !holds(words, i, word.state()) || cursor.saturating_add(words.shape.slots) > position {
                continue;
            }
            if word.state() == entry_state::EVICTING {
                finish_eviction(words, i, word);
            } else if ask && word.participant() != NOBODY && !words.peers.is_alive(word.participant()) {
                words.swap_entry(i, word, word.freed());
                words.wake_producers();
            } else if excused != Some(cursor) && charge(words, i, word, now, last) > words.shape.stall_budget_ns {
                evict(words, i, word);
            } else if ask {
                ring_readers(words, i, word);
            }
        }
    }

    /// Whether the lowest cursor stands at a claim that is being written, and not for long yet.
    fn waits_for_a_writer(&mut self, words: &Words) -> bool {
        let claim = words.load_claim(self.lowest);
        let open = claim.lap() == words.lap(self.lowest) && claim.state() == claim_state::WRITING;
        let (stood, _) = self.writer.look(self.lowest, claim.0);
        open && !words.shape.is_exclusive() && stood < words.shape.commit_deadline_ns
    }
}

/// Whether an entry in that state holds producers back: a reliable reader's, or a group's.
fn holds(words: &Words, index: usize, state: u64) -> bool {
    let mode = u64::from(words.entry32(index, entry::MODE).load(SeqCst));
    matches!(state, entry_state::ACTIVE | entry_state::EVICTING)
        && matches!(mode, entry_mode::RELIABLE | entry_mode::GROUP)
}

/// Whether a queue group holds the ring's producers back.
pub fn has_group(words: &Words) -> bool {
    let is_group = |i: usize| u64::from(words.entry32(i, entry::MODE).load(SeqCst)) == entry_mode::GROUP;
    words.entries().any(|i| is_group(i) && holds(words, i, words.load_entry(i).state()))
}

/// Adds the time since `last` to what a reader has used up; returns that. 0: not charged.
fn charge(words: &Words, index: usize, word: Entry, now: u64, last: u64) -> u64 {
    let (at, used) = (words.entry(index, entry::BLOCKED_AT_NS), words.entry(index, entry::BLOCKED_NS));
    let mark = at.load(SeqCst);
    if mark >= now || at.compare_exchange(mark, now, SeqCst, SeqCst).is_err() {
        return 0; // another producer has charged this time
    }
    let bits = crate::layout::BLOCKED_BITS;
    loop {
        let old = used.load(SeqCst);
        if old >> bits != u64::from(word.generation() & 0xffff) {
            return 0;
        }
        let kept = (old & ((1 << bits) - 1)).saturating_sub(last.saturating_sub(mark) / 10);
        let sum = kept + (now - mark.max(last).min(now)).min(STEP_LIMIT_NS);
        if used.compare_exchange(old, old >> bits << bits | sum, SeqCst, SeqCst).is_ok() {
            return sum;
        }
    }
}

fn evict(words: &Words, index: usize, word: Entry) {
    let evicting = word.in_state(entry_state::EVICTING);
    if words.swap_entry(index, word, evicting) {
        finish_eviction(words, index, evicting);
    }
}

fn finish_eviction(words: &Words, index: usize, evicting: Entry) {
    if words.swap_entry(index, evicting, evicting.in_state(entry_state::EVICTED)) {
        words.count(ring_control::EVICTED);
        ring_readers(words, index, evicting);
        words.wake_producers();
    }
}

/// Rings whom an entry stands for: its reader, or the members of its group.
fn ring_readers(words: &Words, index: usize, word: Entry) {
    if word.participant() != NOBODY {
        return words.peers.ring(word.participant());
    }
    for i in words.entries() {
        let mode = u64::from(words.entry32(i, entry::MODE).load(SeqCst));
        let group = words.entry32(i, entry::GROUP).load(SeqCst) as usize;
        if let (true, Some(member)) =
            (mode == entry_mode::MEMBER && group == index + 1, words.load_entry(i).participant_if_used())
        {
            words.peers.ring(member);
        }
    }
}

/// The claims that hold a reader up, noted together so that a crowd of them costs one deadline,
/// which begins anew when the first has ended.
#[derive(Default)]
pub struct Stuck {
    noted: Vec<(u64, Claim)>,
    time: Watched,
}

impl Stuck {
    /// A reader stands at a claim that is being written: takes those whose writers are dead or
    /// have had the commit deadline.
    pub fn look(&mut self, words: &Words, position: u64) {
        let here = words.load_claim(position);
        if self.noted.first() != Some(&(position, here)) {
            let tail = words.load_tail().min(position.saturating_add(words.shape.slots));
            let claims = (position..tail.max(position + 1)).map(|p| (p, words.load_claim(p)));
            let open = claims.filter(|(p, c)| c.state() == claim_state::WRITING && c.lap() == words.lap(*p));
            self.noted = open.collect();
            self.time = Watched::default();
        }
        let (stood, ask) = self.time.look(0, 0);
        let late = stood >= words.shape.commit_deadline_ns;
        for (p, claim) in &self.noted {
            if late || ask && !words.peers.is_alive(claim.owner()) {
                words.quarantine(*p, *claim);
            }
        }
    }
}
