//! Reading a topic: messages and events, each at its place (spec/messaging.md, 4 and 5).

use crate::domain::Domain;
use crate::error::{Error, Result};
use crate::info::Interest;
use crate::layout::{event_code, event_record, message_flag as flag, message_kind, slot_header as header};
use crate::name;
use crate::pieces::{Pieces, Whole};
use crate::reader::{Look, Piece, Reader, Taken};
use crate::ring::Ring;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a reader sleeps at most without a look.
const SLEEP: Duration = Duration::from_millis(100);
/// The same where a writer has not ended, or whoever publishes may not see that it sleeps.
const SHORT_SLEEP: Duration = Duration::from_millis(1);
/// A reader that finds nothing looks at its entry this often.
const LOOKS: u32 = 64;

/// Who sent a message: the 16 bytes of Address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Source(pub [u8; 16]);

/// What a message says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Its handle's address.
    pub source: Source,
    /// The handle's own number.
    pub sequence: u64,
    /// A value of `content`.
    pub content: u64,
    /// Low half of the hash of its schema.
    pub schema: u32,
    /// Bits of `message_flag`.
    pub flags: u64,
    /// A value of `message_kind`.
    pub kind: u64,
    /// The publisher's wall clock, if the flag says so.
    pub timestamp_ns: u64,
}

/// What stands in a stream.
#[derive(Debug)]
pub enum Item<'a> {
    /// A message. Its bytes are good until the next call.
    Message(Head, &'a [u8]),
    /// So many positions from `first` on passed this reader by.
    Lagged {
        /// First position.
        first: u64,
        /// How many.
        missed: u64,
    },
    /// Messages of one source that no repair can bring back.
    Loss {
        /// Whose.
        source: Source,
        /// A LossReason.
        reason: u32,
        /// How many.
        count: u64,
        /// First sequence.
        first: u64,
        /// Last sequence.
        last: u64,
    },
    /// A slot with impossible bytes, at that position.
    Damaged(u64),
}

/// The same without the bytes, which are in the slot, the buffer, or put together.
enum Step {
    Lent(Head, usize, usize),
    Copied(Head),
    Joined(Head, Vec<u8>),
    Lagged(u64, u64),
    Damaged(u64),
}

/// A subscription to one topic. It must not be used by two threads at once.
pub struct Subscription {
    domain: Arc<Domain>,
    interest: Interest,
    reader: Reader,
    pieces: Pieces,
    buffer: Vec<u8>,
    /// The message that was returned last is done with when the next is asked for.
    in_hand: bool,
    looks: u32,
    /// Value of the doorbell before word was left that this one sleeps, and for how long at most.
    armed: Option<(u32, Duration)>,
    open: bool,
}

impl Subscription {
    /// Subscribes to a topic, up to `history` positions back. `latest`: it holds nobody up, and
    /// misses what it is too slow for.
    pub fn open(domain: &Arc<Domain>, topic: &str, latest: bool, history: u64) -> Result<Subscription> {
        if !name::is_name(topic) {
            return Err(Error::Invalid(format!("{topic:?} is no name of a topic")));
        }
        let mut reader = Reader::join(Ring::open(domain, topic, None)?, latest)?;
        reader.go_back(history);
        let interest = Interest { name: topic.into(), live: latest, ..Interest::default() };
        let mut subscription = Subscription {
            domain: domain.clone(),
            interest,
            reader,
            pieces: Pieces::default(),
            buffer: Vec::new(),
            in_hand: false,
            looks: 0,
            armed: None,
            open: true,
        };
        if subscription.reader.ring.ctl.is_retired() {
            subscription.follow()?;
        }
        domain.tell(&subscription.interest)?;
        Ok(subscription)
    }

    /// The next item; None: nothing came in that time.
    pub fn next(&mut self, patience: Duration) -> Result<Option<Item<'_>>> {
        let step = self.advance(Instant::now() + patience)?;
        Ok(step.map(|step| match step {
            Step::Lent(head, start, length) => show(head, self.reader.ring.data.map.lent(start, length)),
            Step::Copied(head) => show(head, &self.buffer),
            Step::Joined(head, bytes) => {
                self.buffer = bytes;
                show(head, &self.buffer)
            }
            Step::Lagged(first, missed) => Item::Lagged { first, missed },
            Step::Damaged(position) => Item::Damaged(position),
        }))
    }

    fn advance(&mut self, deadline: Instant) -> Result<Option<Step>> {
        if std::mem::take(&mut self.in_hand) {
            self.reader.cursor += 1;
            self.reader.release(false);
        }
        loop {
            if !self.reader.lend() {
                if let Some(step) = self.come_back()? {
                    return Ok(Some(step));
                }
                continue;
            }
            let mut look = self.reader.look();
            if look == Look::Nothing {
                look = self.idle();
            }
            let step = match look {
                Look::There => self.take(),
                Look::StepOver => {
                    self.reader.cursor += 1;
                    self.reader.release(false);
                    continue;
                }
                Look::Overrun => self.overrun()?,
                Look::Damaged => {
                    self.reader.ring.words().retire_damaged();
                    self.follow()?
                }
                Look::Sealed => self.follow()?,
                Look::Stuck => {
                    self.reader.wait_for_writer();
                    None
                }
                Look::Nothing => None,
            };
            if matches!(look, Look::Nothing | Look::Stuck) {
                if Instant::now() >= deadline {
                    self.reader.release(true);
                    return Ok(None);
                }
                self.wait(deadline, look);
            } else if step.is_some() {
                self.armed = None;
                return Ok(step);
            }
        }
    }

    /// Nothing is left to read: gives room, and looks whether the ring was given up or this reader
    /// put out. A ring that is retired says Sealed, after one more look that found nothing.
    fn idle(&mut self) -> Look {
        self.reader.release(true);
        self.looks += 1;
        if (self.armed.is_some() || self.looks % LOOKS == 0) && !self.reader.is_active() {
            return Look::Overrun;
        }
        let retired = self.reader.ring.ctl.is_retired(); // pairs(seal)
        match self.reader.look() {
            Look::Nothing if retired => Look::Sealed,
            look => look,
        }
    }

    /// The first time it leaves word, so that the caller looks again; the second it sleeps.
    fn wait(&mut self, deadline: Instant, look: Look) {
        let Some((bell, at_most)) = self.armed.take() else {
            self.reader.release(true);
            let bell = self.domain.bell();
            let seen = self.reader.leave_word();
            self.armed = Some((bell, if seen { SLEEP } else { SHORT_SLEEP }));
            return;
        };
        let at_most = if look == Look::Stuck { SHORT_SLEEP } else { at_most };
        self.domain.sleep(bell, at_most.min(deadline.saturating_duration_since(Instant::now())));
    }

    /// Takes the message at the cursor. None: there is nothing to show for this position.
    fn take(&mut self) -> Option<Step> {
        let position = self.reader.cursor;
        let copies = self.reader.copies();
        let taken = self.reader.take(&mut self.buffer);
        let piece = match taken {
            Taken::Overrun => return self.overrun().ok().flatten(),
            Taken::Piece(piece) => Some(piece),
            Taken::Damaged => None,
        };
        let step = piece.map_or(Some(Step::Damaged(position)), |piece| self.show_piece(piece, copies));
        match step {
            Some(Step::Lent(..)) => self.in_hand = true,
            _ => {
                if matches!(step, Some(Step::Damaged(_))) {
                    self.reader.ring.words().count(crate::layout::ring_control::DAMAGED);
                }
                self.reader.cursor += 1;
                self.reader.release(false);
            }
        }
        step
    }

    fn show_piece(&mut self, piece: Piece, copies: bool) -> Option<Step> {
        let head = Head::of(&piece.header);
        let (begin, end) = (head.flags & flag::BEGIN != 0, head.flags & flag::END != 0);
        if head.kind == message_kind::SYSTEM {
            return None;
        }
        if begin && end {
            let bytes = if copies { &self.buffer } else { self.reader.ring.data.map.lent(piece.start, piece.length) };
            if head.kind == message_kind::EVENT && loss(bytes).is_none() {
                return None;
            }
            return Some(if copies { Step::Copied(head) } else { Step::Lent(head, piece.start, piece.length) });
        }
        let bytes = if copies { &self.buffer } else { self.reader.ring.data.map.lent(piece.start, piece.length) };
        match self.pieces.add(&self.reader.ring.shape, self.reader.cursor, &piece.header, bytes) {
            Whole::NotYet => None,
            Whole::NoRoom => Some(Step::Lagged(self.reader.cursor, 1)),
            Whole::Message(bytes) => Some(Step::Joined(head, bytes)),
        }
    }

    /// The position was overwritten, or the entry is not ours any more.
    fn overrun(&mut self) -> Result<Option<Step>> {
        if !self.reader.is_active() {
            return self.come_back();
        }
        if !self.reader.copies() {
            self.reader.ring.words().retire_damaged();
            return self.follow();
        }
        let first = self.reader.cursor;
        self.reader.cursor = self.reader.where_to_go_on();
        Ok(self.lagged(first, self.reader.cursor))
    }

    fn lagged(&mut self, first: u64, next: u64) -> Option<Step> {
        self.pieces.clear();
        let missed = next.saturating_sub(first);
        if missed == 0 {
            return None;
        }
        self.reader.note_missed(missed);
        Some(Step::Lagged(first, missed))
    }

    /// Put out: leaves, joins again at the tail, and tells what passed by.
    fn come_back(&mut self) -> Result<Option<Step>> {
        if self.reader.ring.ctl.is_retired() {
            return self.follow();
        }
        let (first, tail, id) = (self.reader.cursor, self.tail(), self.reader.ring.ctl.id);
        self.reader.leave();
        self.reader = Reader::join(Ring::open(&self.domain, &self.interest.name, None)?, self.interest.live)?;
        if self.reader.ring.ctl.id == id {
            return Ok(self.lagged(first, self.reader.joined));
        }
        self.reader.cursor = 0; // it was replaced meanwhile: nothing of the new one was read
        Ok(self.lagged(first, tail))
    }

    fn tail(&self) -> u64 {
        self.reader.ring.words().load_tail()
    }

    /// The ring was given up: goes on in its successor, from the first message there.
    fn follow(&mut self) -> Result<Option<Step>> {
        // A scribbled tail tells nothing: of what lay in the ring at most all of it is missed.
        let first = self.reader.cursor;
        let tail = self.tail().min(first + self.reader.ring.shape.slots);
        let ring = Ring::open(&self.domain, &self.interest.name, None)?;
        let mut next = match Reader::entered(ring, &self.reader) {
            Ok(reader) => reader,
            Err(ring) => {
                let mut reader = Reader::join(ring, self.interest.live)?;
                reader.cursor = 0;
                reader
            }
        };
        std::mem::swap(&mut self.reader, &mut next);
        next.leave();
        self.armed = None;
        Ok(self.lagged(first, tail))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.open {
            self.reader.leave();
            self.reader.leave_successor();
            self.domain.untell(&self.interest);
        }
    }
}

fn show(head: Head, bytes: &[u8]) -> Item<'_> {
    match head.kind {
        message_kind::EVENT => loss(bytes).unwrap_or(Item::Message(head, bytes)),
        _ => Item::Message(head, bytes),
    }
}

/// The event of an EventRecord, if it is one that is known.
fn loss(bytes: &[u8]) -> Option<Item<'static>> {
    let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let codes = long(event_record::CODE)?;
    if codes & crate::layout::LOW != event_code::LOSS {
        return None;
    }
    Some(Item::Loss {
        source: Source(bytes[..16].try_into().ok()?),
        reason: (codes >> 32) as u32,
        count: long(event_record::COUNT)?,
        first: long(event_record::FIRST)?,
        last: long(event_record::LAST)?,
    })
}

impl Head {
    /// What a slot's header says.
    pub fn of(bytes: &[u8; header::SIZE]) -> Head {
        let number = |at: usize, size: usize| {
            let mut word = [0; 8];
            word[..size].copy_from_slice(&bytes[at..at + size]);
            u64::from_le_bytes(word)
        };
        Head {
            source: Source(bytes[header::PRODUCER..header::PRODUCER + 16].try_into().expect("sixteen bytes")),
            sequence: number(header::SEQUENCE, 8),
            content: number(header::CONTENT, 1),
            schema: number(header::SCHEMA_HASH, 4) as u32,
            flags: number(header::FLAGS, 2),
            kind: number(header::KIND, 1),
            timestamp_ns: number(header::TIMESTAMP_NS, 8),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |at: usize| u32::from_le_bytes(self.0[at..at + 4].try_into().expect("four bytes"));
        let (index, handle) = (word(12) & 0xffff, word(12) >> 16);
        write!(f, "n{}-{:x}.{index}.{}", word(0), word(4), word(8))?;
        if handle != 0 { write!(f, ":{handle}") } else { Ok(()) }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
