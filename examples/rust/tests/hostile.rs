//! Words of a ring that somebody else scribbles on: an error or an event, never a crash or a hang.
#![allow(missing_docs)]

mod common;

use common::*;
use ringcast_from_spec::ring::Ring;
use ringcast_from_spec::{Ask, Domain, Marks, Publisher, Subscription};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

const ROUNDS: u64 = 400;

/// xorshift64*: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % n
    }

    fn word(&mut self) -> u64 {
        match self.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => self.below(200),
            3 => 1 << self.below(64),
            4 => (1 + self.below(3)) << 20 | self.below(3) << 4 | self.below(5),
            _ => self.below(u64::MAX),
        }
    }
}

/// One topic: some messages, a word scribbled, some more of everything.
fn round(domain: &Arc<Domain>, topic: &str, kind: u64, dice: &mut Dice) {
    let Ok(mut publisher) = Publisher::open(domain, topic, reliable(kind)) else { panic!("{topic} is new") };
    let mut readers: Vec<_> = [false, true]
        .into_iter()
        .filter(|_| dice.below(3) > 0)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|latest| Subscription::open(domain, topic, latest, 0).unwrap())
        .collect();
    let begin = dice.below(150);
    for n in 0..begin {
        publisher.publish(&bytes(n), Marks::default(), PATIENCE).unwrap();
        readers.iter_mut().for_each(|r| _ = r.next(Duration::ZERO));
    }
    let ring = Ring::open(domain, topic, Some(&Ask::default())).unwrap();
    for _ in 0..=dice.below(3) {
        let in_data = dice.below(3) == 0;
        // The fixed bytes and the header have a test of their own; what changes begins behind them.
        let (map, from, size) = match in_data {
            true => (&ring.data.map, 4096, ring.data.size()),
            // Half of them among the words that decide: tail, owner, masks, the first entries.
            false if dice.below(2) == 0 => (&ring.ctl.map, 256, 256 + 160),
            false => (&ring.ctl.map, 256, 256 + 768 + 64 * 8 + 4 * 128),
        };
        let at = from + 8 * dice.below((size - from) as u64 / 8) as usize;
        map.u64(at).store(dice.word(), SeqCst);
    }
    for n in 0..100 {
        let _ = publisher.publish(&bytes(n), Marks::default(), Duration::from_millis(1));
        readers.iter_mut().for_each(|r| _ = r.next(Duration::ZERO));
    }
    let _ = Subscription::open(domain, topic, false, 63).map(|mut s| s.next(Duration::ZERO).is_ok());
}

#[test]
fn scribbled_words_stop_nobody() {
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}; again: SEED={seed} cargo test --test hostile");
    let mut dice = Dice(seed | 1);
    let base = Base::new();
    let domain = base.join();
    let began = Instant::now();
    for i in 0..ROUNDS {
        let kind = if dice.below(2) == 0 { SHARED } else { EXCLUSIVE };
        round(&domain, &format!("t{i}"), kind, &mut dice);
    }
    // Bounded, not fast: 100 publishes that may wait a few milliseconds each, a round.
    assert!(began.elapsed() < Duration::from_secs(2 * ROUNDS), "{:?}", began.elapsed());
}
