//! What the tests share: a domain of their own, and messages that can be told apart.
#![allow(dead_code, missing_docs)]

use ringcast_from_spec::layout::{ring_kind, ring_mode};
use ringcast_from_spec::{Ask, Domain, Item, Marks, Publisher, Subscription};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// No step takes this long on a machine that is not broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A base directory that goes with the test.
pub struct Base(pub PathBuf);

impl Base {
    pub fn new() -> Base {
        let name = format!("ringcast-rust-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from("/dev/shm").join(name);
        std::fs::create_dir(&path).unwrap();
        Base(path)
    }

    /// One more participant of its domain.
    pub fn join(&self) -> Arc<Domain> {
        Domain::open(Some(&self.0), "default").unwrap()
    }

    /// A peer of the conformance run that has said its first line.
    pub fn peer(&self, words: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conformance-peer"));
        let mut child = command.args(words).env("RINGCAST_SHM_DIR", &self.0).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(["ready\n", "claimed\n"].contains(&line.as_str()), "{words:?} says {line:?}");
        child
    }

    /// Names of the files of topics.
    pub fn topics(&self) -> Vec<String> {
        let list = std::fs::read_dir(self.0.join("default/topics")).unwrap();
        list.map(|f| f.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

pub const SHARED: u64 = ring_kind::SHARED;
pub const EXCLUSIVE: u64 = ring_kind::EXCLUSIVE;

/// 64 slots of 256 bytes, as the peers ask for, too.
pub fn small(kind: u64, mode: u64) -> Ask {
    Ask { slots: Some(64), payload: Some(256), mode: Some(mode), kind: Some(kind) }
}

pub fn reliable(kind: u64) -> Ask {
    small(kind, ring_mode::RELIABLE)
}

/// Message n: of 0 to 999 bytes, so that many take fragments.
pub fn bytes(n: u64) -> Vec<u8> {
    let size = if n % 4 == 0 { n * 37 % 1000 } else { n * 37 % 257 };
    (0..size).map(|i| (n * 31 + i * 7) as u8).collect()
}

pub fn publish(publisher: &mut Publisher, numbers: impl Iterator<Item = u64>) {
    for n in numbers {
        publisher.publish(&bytes(n), Marks::default(), PATIENCE).unwrap();
    }
}

/// What comes until message `last` of the only publisher: sequences, and how many positions were
/// told to have passed by. Bytes and order are checked, and that a gap was told.
pub fn read_until(subscription: &mut Subscription, last: u64) -> (Vec<u64>, u64) {
    let (mut came, mut missed, mut told): (Vec<u64>, u64, bool) = (Vec::new(), 0, true);
    while came.last() != Some(&last) {
        match subscription.next(PATIENCE).unwrap().expect("it comes") {
            Item::Message(head, payload) => {
                let next = came.last().map_or(1, |n| n + 1);
                assert!(head.sequence == next || head.sequence > next && told, "{} after {next}", head.sequence);
                assert_eq!(payload, bytes(head.sequence), "message {}", head.sequence);
                came.push(head.sequence);
                told = false;
            }
            Item::Lagged { missed: n, .. } => {
                missed += n;
                told = true;
            }
            other => panic!("{other:?}"),
        }
    }
    (came, missed)
}
