//! Publishing on a topic: waiting for room, fragments, replaced rings (spec/ring.md, 11; messaging.md, 3).

use crate::domain::Domain;
use crate::error::{Error, Result};
use crate::gate;
use crate::info::{self, Interest};
use crate::layout::{message_flag as flag, ring_control};
use crate::name;
use crate::producer::{Claimed, Head, Producer, Refusal};
use crate::ring::Ring;
use crate::shape::Ask;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a producer sleeps at most while it waits for room.
const ROOM_SLEEP: Duration = Duration::from_millis(10);
/// How long it sleeps while a writer a whole ring behind has not ended: nobody rings for that.
const WRITER_SLEEP: Duration = Duration::from_millis(1);
/// How many participants have a bit in the mask of those that wait for room.
const ROOM_BITS: u16 = 1024;
const FORWARDER_PATIENCE: Duration = Duration::from_secs(1);
const PATTERN_PATIENCE: Duration = Duration::from_millis(200);

/// What a message says of its payload.
#[derive(Clone, Copy, Default, Debug)]
pub struct Marks {
    /// A value of `content`.
    pub content: u64,
    /// The low half of the hash of its schema.
    pub schema: u32,
}

/// A publisher of one topic. It must not be used by two threads at once.
pub struct Publisher {
    domain: Arc<Domain>,
    topic: String,
    ask: Ask,
    /// None only while a ring is changed for another.
    producer: Option<Producer>,
    handle: u16,
    sequence: u64,
    /// Value of the doorbell before word was left that this one waits for room.
    armed: Option<u32>,
}

/// A claimed slot, to be written in place. Dropping it gives the claim up.
pub struct Slot<'a> {
    publisher: &'a mut Publisher,
    claimed: Claimed,
    length: usize,
    open: bool,
}

impl Publisher {
    /// Opens the topic, in the shape that is asked for where nobody has written it yet. Returns
    /// when those who asked for the topic before will hear the first message.
    pub fn open(domain: &Arc<Domain>, topic: &str, ask: Ask) -> Result<Publisher> {
        if !name::is_name(topic) {
            return Err(Error::Invalid(format!("{topic:?} is no name of a topic")));
        }
        let producer = open_producer(domain, topic, &ask)?;
        let (handle, sequence) = domain.take_handle(topic)?;
        let (domain, topic) = (domain.clone(), topic.to_string());
        let publisher = Publisher { domain, topic, ask, producer: Some(producer), handle, sequence, armed: None };
        publisher.greet(publisher.domain.tell(&publisher.interest())?);
        Ok(publisher)
    }

    /// The ring that it publishes to now.
    pub fn ring(&self) -> &Ring {
        &self.producer.as_ref().expect("there is one but while it is changed").ring
    }

    fn interest(&self) -> Interest {
        Interest { name: self.topic.clone(), publisher: true, ..Interest::default() }
    }

    fn producer(&mut self) -> &mut Producer {
        self.producer.as_mut().expect("there is one but while it is changed")
    }

    /// Waits for the forwarder, and for those who subscribe to a pattern that matches.
    fn greet(&self, changes: u64) {
        let (peers, began) = (self.domain.peers(), Instant::now());
        let behind = || (peers.scanned().wrapping_sub(changes) as i64) < 0;
        while peers.has_forwarder() && behind() && began.elapsed() < FORWARDER_PATIENCE {
            std::thread::sleep(Duration::from_micros(100));
        }
        let listens = |i: &u16| {
            let wants = |w: &Interest| w.pattern && !w.publisher && name::matches(&w.name, &self.topic);
            *i != self.domain.index
                && peers.live_generation(*i).is_some()
                && info::read(&peers, *i).is_some_and(|l| l.iter().any(wants))
        };
        let Some(producer) = &self.producer else { return };
        let words = producer.ring.words();
        let has_come = |i: u16| words.entries().any(|e| words.load_entry(e).participant_if_used() == Some(i));
        let began = Instant::now();
        for index in (0..peers.count()).filter(listens) {
            while !has_come(index) && peers.is_alive(index) && began.elapsed() < PATTERN_PATIENCE {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }

    /// Publishes a message, waiting for room that long at most. Nothing was sent if it fails.
    pub fn publish(&mut self, payload: &[u8], marks: Marks, patience: Duration) -> Result<()> {
        self.persist(patience, |p| p.attempt(payload, marks))
    }

    /// Claims a slot for so many bytes, waiting for room that long at most.
    pub fn claim(&mut self, length: usize, patience: Duration) -> Result<Slot<'_>> {
        let room = self.producer().ring.shape.payload as usize;
        if length > room {
            return Err(Error::TooLarge(length, room));
        }
        let claimed = self.persist(patience, |p| p.producer().claim().map_err(Failure::Refused))?;
        Ok(Slot { publisher: self, claimed, length, open: true })
    }

    /// Tries again until it is done, the time is over, or there is no hope.
    fn persist<T>(
        &mut self,
        patience: Duration,
        mut what: impl FnMut(&mut Publisher) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let began = Instant::now();
        loop {
            let refusal = match what(self) {
                Ok(value) => {
                    self.armed = None;
                    return Ok(value);
                }
                Err(Failure::Hopeless(e)) => return Err(e),
                Err(Failure::Refused(refusal)) => refusal,
            };
            let left = patience.saturating_sub(began.elapsed());
            match refusal {
                Refusal::Retired => self.follow()?,
                Refusal::Fenced => (),
                Refusal::NotOwner => return Err(Error::NotExclusive(self.topic.clone())),
                Refusal::Full | Refusal::Behind if left.is_zero() => return Err(Error::Full),
                Refusal::Full => self.wait(left.min(ROOM_SLEEP)),
                Refusal::Behind => self.wait(left.min(WRITER_SLEEP)),
            }
        }
    }

    /// The first time it leaves word, so that the caller looks again; the second it sleeps.
    fn wait(&mut self, at_most: Duration) {
        if let Some(bell) = self.armed.take() {
            return self.domain.sleep(bell, at_most);
        }
        self.armed = Some(self.domain.bell());
        let index = self.domain.index;
        if index < ROOM_BITS {
            let words = self.producer().ring.words();
            words.leave_word(ring_control::ROOM_SUMMARY, ring_control::ROOM_MASK0, index.into());
        }
    }

    /// Opens the name again: the ring was replaced. Handle and sequences go on.
    fn follow(&mut self) -> Result<()> {
        let old = self.producer.take();
        let new = open_producer(&self.domain, &self.topic, &self.ask);
        match new {
            Ok(new) => self.producer = Some(new),
            Err(e) => {
                self.producer = old;
                return Err(e);
            }
        }
        Ok(())
    }

    fn head(&self, length: usize, marks: Marks) -> Head {
        Head {
            source: self.domain.address(self.handle),
            sequence: self.sequence + 1,
            length,
            total: length,
            fragment: 0,
            flags: flag::BEGIN | flag::END,
            content: marks.content,
            schema: marks.schema,
        }
    }

    /// Publishes in one slot, or in as many as it takes.
    fn attempt(&mut self, payload: &[u8], marks: Marks) -> std::result::Result<(), Failure> {
        let shape = self.producer().ring.shape;
        let room = shape.payload as usize;
        let head = self.head(payload.len(), marks);
        if payload.len() > shape.message_limit() {
            return Err(Failure::Hopeless(Error::TooLarge(payload.len(), shape.message_limit())));
        }
        if payload.len() <= room {
            let producer = self.producer();
            let claimed = producer.claim().map_err(Failure::Refused)?;
            producer.fill(claimed, payload);
            producer.describe(claimed, &head);
            producer.commit(claimed).map_err(Failure::Refused)?;
        } else {
            if gate::has_group(&self.producer().ring.words()) {
                return Err(Failure::Hopeless(Error::TooLarge(payload.len(), room)));
            }
            let pieces: Vec<&[u8]> = payload.chunks(room).collect();
            send_pieces(self.producer(), &pieces, head).map_err(Failure::Refused)?;
        }
        self.sequence += 1;
        Ok(())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.producer = None;
        self.domain.give_handle(&self.topic, self.handle, self.sequence);
        self.domain.untell(&self.interest());
    }
}

/// Why an attempt came to nothing.
enum Failure {
    Refused(Refusal),
    Hopeless(Error),
}

fn open_producer(domain: &Arc<Domain>, topic: &str, ask: &Ask) -> Result<Producer> {
    loop {
        if let Some(producer) = Producer::new(Ring::open(domain, topic, Some(ask))?)? {
            return Ok(producer);
        }
    }
}

/// Bytes of a message that are written before they are committed (spec/ring.md, 11).
const COMMITTED_TOGETHER: usize = 64 << 10;

/// Claims all, then writes and commits in order. After a failure nothing was sent.
fn send_pieces(producer: &mut Producer, pieces: &[&[u8]], head: Head) -> std::result::Result<(), Refusal> {
    if !producer.has_room(pieces.len() as u64) {
        return Err(Refusal::Full);
    }
    let mut claims = Vec::with_capacity(pieces.len());
    for _ in pieces {
        match producer.claim() {
            Ok(claimed) => claims.push(claimed),
            Err(refusal) => {
                claims.into_iter().for_each(|c| producer.abort(c));
                return Err(refusal);
            }
        }
    }
    let (together, last) = ((COMMITTED_TOGETHER / pieces[0].len()).max(1), pieces.len() - 1);
    let mut end = Ok(());
    for (run, (claims, pieces)) in claims.chunks(together).zip(pieces.chunks(together)).enumerate() {
        for (i, (claimed, piece)) in claims.iter().zip(pieces).enumerate().filter(|_| end.is_ok()) {
            let fragment = run * together + i;
            let flags = if fragment == 0 { flag::BEGIN } else { 0 } | if fragment == last { flag::END } else { 0 };
            producer.fill(*claimed, piece);
            producer.describe(*claimed, &Head { length: piece.len(), fragment, flags, ..head });
        }
        for claimed in claims {
            match end {
                Ok(()) => end = producer.commit(*claimed),
                Err(_) => producer.abort(*claimed),
            }
        }
    }
    end
}

impl Slot<'_> {
    /// The bytes to write, of the length that was claimed.
    pub fn bytes(&mut self) -> &mut [u8] {
        let (claimed, length) = (self.claimed, self.length);
        &mut self.publisher.producer().payload(claimed)[..length]
    }

    /// Sends the first `length` bytes. `Fenced`: the claim was held too long, and nothing was sent.
    pub fn commit(mut self, length: usize, marks: Marks) -> Result<()> {
        let head = self.publisher.head(length.min(self.length), marks);
        let (claimed, producer) = (self.claimed, self.publisher.producer());
        self.open = false;
        producer.describe(claimed, &head);
        producer.commit(claimed).map_err(|_| Error::Fenced)?;
        self.publisher.sequence += 1;
        Ok(())
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if self.open {
            let claimed = self.claimed;
            self.publisher.producer().abort(claimed);
        }
    }
}
