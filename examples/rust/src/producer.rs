//! Claims, on rings of both kinds (spec/ring.md, 4 and 10).

use crate::error::{Error, Result};
use crate::gate::{Gate, Watched};
use crate::layout::{Claim, LAP_LIMIT, LOW, OWNER_SEALED, PAD, claim_state, ring_control, slot_header as header};
use crate::ring::Ring;
use crate::words::{Words, published, published_lap};
use std::sync::atomic::Ordering::{Release, SeqCst};
use std::sync::atomic::fence;

/// Why nothing was claimed.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Refusal {
    /// A reader is a whole ring behind.
    Full,
    /// A writer a whole ring behind has not ended, or all slots are held by others.
    Behind,
    /// The ring was given up: open the name again.
    Retired,
    /// The claim was taken; nothing was sent.
    Fenced,
    /// Another owns the exclusive ring.
    NotOwner,
}

/// The right to write one position.
#[derive(Clone, Copy, Debug)]
pub struct Claimed {
    position: u64,
    word: Claim,
}

/// What the header of a slot says of its message.
#[derive(Clone, Copy, Default)]
pub struct Head {
    /// Address of the handle.
    pub source: [u8; 16],
    /// The handle's own, from 1.
    pub sequence: u64,
    /// Bytes in this slot.
    pub length: usize,
    /// Bytes of the whole message.
    pub total: usize,
    /// Number of the fragment.
    pub fragment: usize,
    /// Bits of `message_flag`.
    pub flags: u64,
    /// A value of `content`.
    pub content: u64,
    /// Low half of the hash of its schema.
    pub schema: u32,
}

/// One handle on a ring. Used by one thread at a time.
pub struct Producer {
    /// Its ring.
    pub ring: Box<Ring>,
    gate: Gate,
    writer: Watched,
    /// What the owner word of an exclusive ring says while it is ours.
    owner: u64,
    /// The tail of an exclusive ring: its owner alone moves it, and does not ask others for it.
    tail: u64,
}

impl Producer {
    /// Makes a handle; takes an exclusive ring over from nobody or from the dead. None: the ring
    /// was given up.
    pub fn new(ring: Box<Ring>) -> Result<Option<Producer>> {
        let mut producer = Producer { ring, gate: Gate::default(), writer: Watched::default(), owner: 0, tail: 0 };
        let open = !producer.ring.shape.is_exclusive() || producer.take_over()?;
        producer.ring.words().control(ring_control::HANDLES).fetch_add(1, SeqCst);
        Ok(open.then_some(producer))
    }

    fn take_over(&mut self) -> Result<bool> {
        let words = self.ring.words();
        loop {
            let word = words.owner().load(SeqCst);
            match word & LOW {
                OWNER_SEALED => return Ok(false),
                0 => (),
                owner if words.peers.is_alive((owner - 1) as u16) => {
                    return Err(Error::NotExclusive(self.ring.name.clone()));
                }
                _ => (),
            }
            let generation = ((word >> 32) as u32).wrapping_add(1);
            self.owner = u64::from(generation) << 32 | (u64::from(self.ring.domain.index) + 1);
            if words.owner().compare_exchange(word, self.owner, SeqCst, SeqCst).is_ok() {
                break; // pairs(exclusive)
            }
        }
        words.control(ring_control::OWNER_FLAGS).store(0, SeqCst);
        fence(SeqCst);
        let tail = words.load_tail();
        self.tail = tail;
        for position in tail.saturating_sub(words.shape.slots)..tail {
            let word = published(&self.ring.data.map, words.slot(position));
            if published_lap(word.load(SeqCst)).0 != words.lap(position) {
                word.store(words.lap(position) | PAD, SeqCst);
            }
        }
        words.wake_readers();
        Ok(true)
    }

    /// Whether as many positions may be claimed now. Where not, who holds them up is charged.
    pub fn has_room(&mut self, count: u64) -> bool {
        let words = self.ring.words();
        let tail = if words.shape.is_exclusive() { self.tail } else { words.load_tail() };
        let last = tail + count - 1;
        let room = self.gate.opens(&words, last);
        if !room {
            self.gate.blame(&words, last);
        }
        room
    }

    /// Claims one position.
    pub fn claim(&mut self) -> std::result::Result<Claimed, Refusal> {
        if self.ring.ctl.is_retired() {
            return Err(Refusal::Retired); // pairs(seal)
        }
        let end = if self.ring.shape.is_exclusive() { self.claim_exclusive() } else { self.claim_shared() };
        if end.is_ok() {
            self.gate.passed();
        }
        end
    }

    fn claim_shared(&mut self) -> std::result::Result<Claimed, Refusal> {
        let words = self.ring.words();
        let (mut stepped, mut looked) = (0, false);
        while stepped <= words.shape.slots {
            let t = words.load_tail();
            let (lap, word) = (words.lap(t), words.load_claim(t));
            if word == Claim::SEAL && t == 0 {
                return Err(Refusal::Retired);
            }
            if lap >= LAP_LIMIT {
                words.retire_damaged();
                return Err(Refusal::Retired);
            }
            if word.lap() == lap {
                move_tail(&words, t);
                continue;
            }
            if word.lap() != lap - 1 || word.lap() == LAP_LIMIT || word.state() > claim_state::QUARANTINED {
                if words.load_tail() != t {
                    continue;
                }
                words.retire_damaged();
                return Err(Refusal::Retired);
            }
            if !self.gate.opens(&words, t) {
                self.gate.blame(&words, t);
                return Err(Refusal::Full);
            }
            if word.state() == claim_state::WRITING {
                if words.shape.is_gated() && !is_overdue(&mut self.writer, &words, t, word) {
                    return Err(Refusal::Behind);
                }
                words.quarantine(t, word);
                continue;
            }
            // A slot that its slow writer may still touch, or that is lent, is stepped over.
            let held = word.state() == claim_state::QUARANTINED;
            if held && !std::mem::replace(&mut looked, true) && self.gate.takes_back(&words, t) {
                continue;
            }
            let step = match held {
                true => Some(Claim::new(lap, word.owner(), claim_state::QUARANTINED)),
                false => self.gate.is_pinned(&words, t).then_some(Claim::new(lap, 0, claim_state::HOLE)),
            };
            let mine = Claim::new(lap, self.ring.domain.index, claim_state::WRITING);
            if words.swap_claim(t, word, step.unwrap_or(mine)) {
                move_tail(&words, t);
                if step.is_none() {
                    fence(SeqCst); // pairs(claim): the payload is written after
                    return Ok(Claimed { position: t, word: mine });
                }
                words.wake_readers(); // who sleeps before a ring full of holes holds us back
                stepped += 1;
            }
        }
        Err(Refusal::Behind)
    }

    fn claim_exclusive(&mut self) -> std::result::Result<Claimed, Refusal> {
        let words = self.ring.words();
        loop {
            match words.owner().load(SeqCst) {
                word if word == self.owner => (),
                word if word & LOW == OWNER_SEALED => return Err(Refusal::Retired),
                _ => return Err(Refusal::NotOwner),
            }
            let t = self.tail;
            if words.lap(t) >= LAP_LIMIT {
                words.retire_damaged();
                return Err(Refusal::Retired);
            }
            if !self.gate.opens(&words, t) {
                self.gate.blame(&words, t);
                return Err(Refusal::Full);
            }
            self.tail = t + 1;
            words.tail().store(self.tail, SeqCst); // pairs(tail)
            fence(SeqCst);
            let claimed = Claimed { position: t, word: Claim(0) };
            if !self.gate.is_pinned(&words, t) {
                return Ok(claimed);
            }
            let _ = end(&self.ring, claimed, false);
        }
    }

    /// The bytes of a claimed slot behind its header.
    pub fn payload(&mut self, claimed: Claimed) -> &mut [u8] {
        let (slot, size) = (self.ring.words().slot(claimed.position), self.ring.shape.payload as usize);
        self.ring.data.map.claimed(slot + header::SIZE, size)
    }

    /// Copies a payload into a claimed slot.
    pub fn fill(&mut self, claimed: Claimed, bytes: &[u8]) {
        let slot = self.ring.words().slot(claimed.position);
        self.ring.data.map.write(slot + header::SIZE, bytes);
    }

    /// Writes the header of a claimed slot, all but its first word.
    pub fn describe(&mut self, claimed: Claimed, head: &Head) {
        let mut bytes = [0; header::SIZE];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(header::PAYLOAD_START, &(header::SIZE as u32).to_le_bytes());
        put(header::PAYLOAD_LENGTH, &(head.length as u32).to_le_bytes());
        put(header::PRODUCER, &head.source);
        put(header::SEQUENCE, &head.sequence.to_le_bytes());
        put(header::TOTAL_LENGTH, &(head.total as u32).to_le_bytes());
        put(header::FRAGMENT, &(head.fragment as u16).to_le_bytes());
        put(header::FLAGS, &(head.flags as u16).to_le_bytes());
        put(header::SCHEMA_HASH, &head.schema.to_le_bytes());
        put(header::CONTENT, &[head.content as u8]);
        let slot = self.ring.words().slot(claimed.position);
        self.ring.data.map.write(slot + 8, &bytes[8..]);
    }

    /// Makes a claimed message visible. An error: the claim was taken, and nothing was sent.
    pub fn commit(&mut self, claimed: Claimed) -> std::result::Result<(), Refusal> {
        end(&self.ring, claimed, true)
    }

    /// Gives a claim up.
    pub fn abort(&mut self, claimed: Claimed) {
        let _ = end(&self.ring, claimed, false);
    }
}

impl Drop for Producer {
    /// Gives an exclusive ring up.
    fn drop(&mut self) {
        if self.owner != 0 {
            let _ = self.ring.words().owner().compare_exchange(self.owner, self.owner & !LOW, SeqCst, SeqCst);
        }
    }
}

/// Ends a claim: sent, or given up.
fn end(ring: &Ring, claimed: Claimed, sent: bool) -> std::result::Result<(), Refusal> {
    let words = ring.words();
    let lap = words.lap(claimed.position);
    let published = published(&ring.data.map, words.slot(claimed.position));
    if words.shape.is_exclusive() {
        published.store(if sent { lap } else { lap | PAD }, SeqCst); // pairs(publish)
        words.wake_readers();
        return Ok(());
    }
    let (owner, state) = if sent { (claimed.word.owner(), claim_state::READY) } else { (0, claim_state::HOLE) };
    // pairs(commit)
    if words.swap_claim(claimed.position, claimed.word, Claim::new(lap, owner, state)) {
        if sent {
            published.store(lap, Release); // pairs(publish)
        }
        words.wake_readers();
        return Ok(());
    }
    free_quarantined(&words, claimed);
    Err(Refusal::Fenced)
}

fn move_tail(words: &Words, t: u64) {
    let _ = words.tail().compare_exchange(t, t + 1, SeqCst, SeqCst); // pairs(tail)
}

/// Whether the claim of a lap before may be taken: its writer is dead, or has had its time.
fn is_overdue(writer: &mut Watched, words: &Words, position: u64, word: Claim) -> bool {
    let (stood, ask) = writer.look(position, word.0);
    stood >= words.shape.commit_deadline_ns || ask && !words.peers.is_alive(word.owner())
}

/// A slot whose claim was taken is freed by its owner alone, whatever lap it was stepped over in.
fn free_quarantined(words: &Words, claimed: Claimed) {
    loop {
        let word = words.load_claim(claimed.position);
        if word.owner() != claimed.word.owner() || word.state() != claim_state::QUARANTINED {
            break;
        }
        if words.swap_claim(claimed.position, word, Claim::new(word.lap(), 0, claim_state::HOLE)) {
            break;
        }
    }
    words.wake_readers();
}
