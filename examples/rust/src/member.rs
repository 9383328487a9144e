//! A member of a queue group: takes messages, each of which goes to one member (spec/ring.md, 14).

use crate::domain::Domain;
use crate::error::{Error, Result};
use crate::gate::{Stuck, Watched};
use crate::group::{Group, ROWS, hand_word};
use crate::info::Interest;
use crate::layout::{Claim, Entry, consumer_entry as entry, entry_state, in_hand_row as row};
use crate::layout::{in_hand_state as hand, message_flag as flag, message_kind, ring_control, row_state, take_state};
use crate::reader::{self, Look, Taken};
use crate::ring::Ring;
use crate::seat::Seat;
use crate::subscription::{Head, Source};
use crate::words::NOBODY;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

const SLEEP: Duration = Duration::from_millis(100);
const SHORT_SLEEP: Duration = Duration::from_millis(1);

/// What a member is told.
#[derive(Debug)]
pub enum Told {
    /// A message, in this member's hand until it asks for the next; its bytes are `Member::bytes`.
    Message(Head),
    /// The taker of a message died with it in hand.
    Abandoned {
        /// Who took it.
        taker: Source,
        /// Who sent it.
        source: Source,
        /// Its sequence.
        sequence: u64,
        /// Its position.
        position: u64,
    },
    /// So many positions passed the group by.
    Lagged(u64),
    /// A slot with impossible bytes, at that position.
    Damaged(u64),
}

/// A member of a queue group of one topic. It must not be used by two threads at once.
pub struct Member {
    domain: Arc<Domain>,
    interest: Interest,
    name: String,
    seat: Seat,
    in_hand: Option<u64>,
    /// The row of a report that was told, with its state word and hand.
    telling: Option<(usize, Entry, u64)>,
    told: VecDeque<Told>,
    bytes: Vec<u8>,
    events: Option<u64>,
    next: u64,
    stuck: Stuck,
    taker: Watched,
    asked: Instant,
    armed: Option<(u32, Duration)>,
}

/// Whether a text is a name of a group.
fn is_group_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

impl Member {
    /// Joins the group of that name; a group that is not there begins at the tail.
    pub fn join(domain: &Arc<Domain>, topic: &str, name: &str) -> Result<Member> {
        if !crate::name::is_name(topic) || !is_group_name(name) {
            return Err(Error::Invalid(format!("{topic:?} is no topic, or {name:?} no name of a group")));
        }
        let seat = Seat::take(Ring::open(domain, topic, None)?, name, false)?;
        let interest = Interest { name: topic.into(), ..Interest::default() };
        let mut member = Member {
            domain: domain.clone(),
            interest,
            name: name.into(),
            seat,
            in_hand: None,
            telling: None,
            told: VecDeque::new(),
            bytes: Vec::new(),
            events: None,
            next: 0,
            stuck: Stuck::default(),
            taker: Watched::default(),
            asked: Instant::now(),
            armed: None,
        };
        member.see_that_it_is_active();
        if member.seat.ring.ctl.is_retired() {
            member.follow()?;
        }
        domain.tell(&member.interest)?;
        Ok(member)
    }

    /// The bytes of the message that was told last.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Ends what is in hand: the message is handled, or the report told.
    pub fn done(&mut self) {
        if let Some(position) = self.in_hand.take() {
            self.seat.group.swap_hand(self.seat.row, position, hand::CONFIRMED, hand::FREE);
        }
        if let Some((index, word, in_hand)) = self.telling.take() {
            let row = self.seat.group.row(index, row::POSITION);
            let _ = row.compare_exchange(in_hand, in_hand & !3, SeqCst, SeqCst);
            self.seat.group.swap_row(index, word, word.in_state(row_state::FREE));
        }
    }

    /// What this member is told next; None: nothing in that time. What was in hand is done.
    pub fn next(&mut self, patience: Duration) -> Result<Option<Told>> {
        self.done();
        let deadline = Instant::now() + patience;
        loop {
            if let Some(told) = self.told.pop_front() {
                return Ok(Some(told));
            }
            if let Some(told) = self.find_report() {
                return Ok(Some(told));
            }
            if self.seat.entry().generation() != self.seat.generation {
                self.seat.ring.words().retire_damaged(); // a group's entry is never freed
                self.follow()?;
            }
            if !self.see_that_it_is_active() {
                continue;
            }
            self.free_the_gate();
            if !self.told.is_empty() {
                continue;
            }
            let retired = self.seat.ring.ctl.is_retired(); // pairs(seal)
            let look = self.take_one();
            match look {
                Look::There if self.told.is_empty() => (),
                Look::There => self.armed = None,
                Look::Damaged => {
                    self.seat.ring.words().retire_damaged();
                    self.follow()?;
                }
                Look::Sealed => self.follow()?,
                Look::Nothing if retired => self.follow()?,
                _ => {
                    if Instant::now() >= deadline {
                        return Ok(None);
                    }
                    self.wait(deadline, look);
                }
            }
        }
    }

    /// Brings the group back if it was put out or left; false: it had to be.
    fn see_that_it_is_active(&mut self) -> bool {
        let active = self.seat.entry().state() == entry_state::ACTIVE;
        if !active {
            self.come_back();
        }
        active
    }

    fn come_back(&mut self) {
        let missed = self.seat.come_back();
        self.tell_missed(missed);
    }

    fn tell_missed(&mut self, missed: u64) {
        if missed > 0 {
            self.seat.ring.words().entry(self.seat.index, entry::MISSED).fetch_add(missed, SeqCst);
            self.told.push_back(Told::Lagged(missed));
        }
    }

    /// A message that the dead had in hand, if there is a report that nobody tells yet.
    fn find_report(&mut self) -> Option<Told> {
        let group = &self.seat.group;
        let events = group.events().load(SeqCst); // pairs(report)
        if self.events == Some(events) {
            return None;
        }
        for index in 0..ROWS {
            let word = group.load_row(index);
            let mine = Entry(self.seat.row_word.in_state(row_state::REPORTED).0);
            if word.state() != row_state::ABANDONED || !group.swap_row(index, word, mine) {
                continue;
            }
            let in_hand = group.row(index, row::POSITION).load(SeqCst);
            if in_hand & 3 != hand::CONFIRMED {
                group.swap_row(index, mine, mine.in_state(row_state::FREE));
                continue;
            }
            let told = Told::Abandoned {
                taker: source_at(group, index, row::RESERVED0),
                source: source_at(group, index, row::CALLER),
                sequence: group.row(index, row::CORRELATION).load(SeqCst),
                position: in_hand >> 2,
            };
            self.telling = Some((index, mine, in_hand));
            return Some(told);
        }
        self.events = Some(events);
        None
    }

    /// Takes the word at the gate from a member that is dead or does not go on.
    fn free_the_gate(&mut self) {
        let gate = self.seat.gate();
        let take = self.seat.group.take(gate);
        let words = self.seat.ring.words();
        if take.lap() != words.lap(gate) || take.state() != take_state::TAKEN {
            return;
        }
        let (stood, ask) = self.taker.look(gate, take.0);
        let holder = self.seat.group.load_row(take.owner().into());
        let gone = || holder.state() != row_state::HELD || !words.peers.is_alive(holder.participant());
        if stood >= words.shape.commit_deadline_ns || ask && gone() {
            let mine = Claim::new(take.lap(), self.seat.row as u16, take_state::TAKEN);
            if self.seat.group.swap_take(gate, take, mine) {
                self.start(gate, mine);
            }
        }
    }

    /// Takes the first position that nobody has. There: something came of it, or look again.
    fn take_one(&mut self) -> Look {
        let gate = self.seat.gate();
        let batch = (self.seat.ring.shape.slots / 16).clamp(1, 16);
        if self.next >= gate.saturating_add(batch) {
            self.seat.group.move_gate(&self.seat.ring.words(), self.seat.index);
        }
        let end = gate.saturating_add(self.seat.ring.shape.slots);
        let mut position = gate;
        while position < end && self.seat.group.take(position).lap() >= self.seat.ring.words().lap(position) {
            position += 1;
        }
        self.next = position;
        let look = if position == end { Look::Nothing } else { reader::look(&self.seat.ring, position) };
        match look {
            Look::Nothing | Look::Stuck if self.seat.group.move_gate(&self.seat.ring.words(), self.seat.index) => {
                Look::There
            }
            Look::Stuck => {
                self.stuck.look(&self.seat.ring.words(), position);
                look
            }
            Look::StepOver | Look::Overrun => {
                self.pass(position, look == Look::Overrun);
                Look::There
            }
            Look::There => {
                let (take, lap) = (self.seat.group.take(position), self.seat.ring.words().lap(position));
                let mine = Claim::new(lap, self.seat.row as u16, take_state::TAKEN);
                if take.lap() < lap && self.seat.group.swap_take(position, take, mine) {
                    self.start(position, mine);
                }
                Look::There
            }
            _ => look,
        }
    }

    /// Marks a position without a message as done; missed if there was one.
    fn pass(&mut self, position: u64, missed: bool) {
        let words = self.seat.ring.words();
        let lap = words.lap(position);
        if missed && self.seat.gate().saturating_add(words.shape.slots) < words.load_tail() {
            return self.come_back();
        }
        let take = self.seat.group.take(position);
        let passed =
            take.lap() < lap && self.seat.group.swap_take(position, take, Claim::new(lap, 0, take_state::DONE));
        self.tell_missed(u64::from(passed && missed));
    }

    /// Copies the message of a position that is ours, and takes it in hand.
    fn start(&mut self, position: u64, mine: Claim) {
        let done = Claim::new(mine.lap(), 0, take_state::DONE);
        let piece = match reader::copy(&self.seat.ring, position, &mut self.bytes) {
            Taken::Piece(piece) => piece,
            Taken::Overrun => {
                let ours = self.seat.group.swap_take(position, mine, done);
                return self.tell_missed(u64::from(ours));
            }
            Taken::Damaged => {
                if self.seat.group.swap_take(position, mine, done) {
                    self.seat.ring.words().count(ring_control::DAMAGED);
                    self.told.push_back(Told::Damaged(position));
                }
                return;
            }
        };
        let head = Head::of(&piece.header);
        let whole = head.flags & flag::BEGIN != 0 && head.flags & flag::END != 0;
        if !whole || head.kind == message_kind::SYSTEM {
            let ours = self.seat.group.swap_take(position, mine, done);
            return self.tell_missed(u64::from(ours && !whole && head.flags & flag::BEGIN != 0));
        }
        let (group, row) = (&self.seat.group, self.seat.row);
        let half = |at: usize| u64::from_le_bytes(head.source.0[at..at + 8].try_into().expect("eight bytes"));
        group.row(row, row::CALLER).store(half(0), SeqCst);
        group.row(row, row::CALLER + 8).store(half(8), SeqCst);
        group.row(row, row::CORRELATION).store(head.sequence, SeqCst);
        self.seat.hand().store(hand_word(position, hand::UNCONFIRMED), SeqCst); // pairs(hand)
        let started = Claim::new(mine.lap(), row as u16, take_state::STARTED);
        if !group.swap_take(position, mine, started) {
            return;
        }
        self.seat.hand().store(hand_word(position, hand::CONFIRMED), SeqCst);
        self.in_hand = Some(position);
        self.told.push_back(Told::Message(head));
    }

    /// The first time it leaves word, so that the caller looks again; the second it sleeps.
    fn wait(&mut self, deadline: Instant, look: Look) {
        let words = self.seat.ring.words();
        let Some((bell, at_most)) = self.armed.take() else {
            let bell = self.domain.bell();
            words.leave_word(ring_control::READER_SUMMARY, ring_control::READER_MASK0, self.seat.own);
            let seen =
                words.control(ring_control::OWNER_FLAGS).load(SeqCst) & 1 == 0 || crate::sys::fence_the_registered();
            self.armed = Some((bell, if seen { SLEEP } else { SHORT_SLEEP }));
            return;
        };
        if self.asked.elapsed() >= SLEEP {
            self.asked = Instant::now();
            self.seat.group.report(&words, |i| i != NOBODY && !words.peers.is_alive(i));
        }
        let stands = self.seat.group.take(self.seat.gate()).state() == take_state::TAKEN;
        let at_most = if look == Look::Stuck || stands { SHORT_SLEEP } else { at_most };
        self.domain.sleep(bell, at_most.min(deadline.saturating_duration_since(Instant::now())));
    }

    /// The ring was replaced: takes a seat in the next one before it leaves this one.
    fn follow(&mut self) -> Result<()> {
        let ring = Ring::open(&self.domain, &self.interest.name, None)?;
        let old = std::mem::replace(&mut self.seat, Seat::take(ring, &self.name, true)?);
        old.leave();
        (self.next, self.events, self.armed) = (0, None, None);
        self.see_that_it_is_active();
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.done();
        self.seat.leave();
        self.domain.untell(&self.interest);
    }
}

fn source_at(group: &Group, index: usize, field: usize) -> Source {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&group.row(index, field).load(SeqCst).to_le_bytes());
    bytes[8..].copy_from_slice(&group.row(index, field + 8).load(SeqCst).to_le_bytes());
    Source(bytes)
}
