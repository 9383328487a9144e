//! Queue groups: each message to one member.
#![allow(missing_docs)]

mod common;

use common::*;
use ringcast_from_spec::{Error, Marks, Member, Publisher, Told};
use std::thread;
use std::time::Duration;

const MESSAGES: u64 = 2000;

/// Of so many bytes that it fits a slot.
fn whole(n: u64) -> Vec<u8> {
    (0..n % 257).map(|i| (n * 31 + i * 7) as u8).collect()
}

fn send(publisher: &mut Publisher, numbers: impl Iterator<Item = u64>) {
    for n in numbers {
        publisher.publish(&whole(n), Marks::default(), PATIENCE).unwrap();
    }
}

/// Takes what comes until nothing has come for a while: sequences, reported ones, missed ones.
fn take_all(member: &mut Member) -> (Vec<u64>, Vec<u64>, u64) {
    let (mut took, mut reported, mut missed) = (Vec::new(), Vec::new(), 0);
    while let Some(told) = member.next(Duration::from_secs(1)).unwrap() {
        match told {
            Told::Message(head) => {
                assert_eq!(member.bytes(), whole(head.sequence));
                took.push(head.sequence);
            }
            Told::Abandoned { sequence, position, .. } => {
                assert_eq!(position, sequence - 1);
                reported.push(sequence);
            }
            Told::Lagged(n) => missed += n,
            other => panic!("{other:?}"),
        }
    }
    (took, reported, missed)
}

#[test]
fn each_message_goes_to_one_member() {
    for kind in [SHARED, EXCLUSIVE] {
        let base = Base::new();
        let members: Vec<_> = (0..3)
            .map(|_| Member::join(&base.join(), "t", "g").unwrap())
            .map(|mut member| thread::spawn(move || take_all(&mut member)))
            .collect();
        let mut publisher = Publisher::open(&base.join(), "t", reliable(kind)).unwrap();
        send(&mut publisher, 1..=MESSAGES);
        let mut all = Vec::new();
        for member in members {
            let (took, reported, missed) = member.join().unwrap();
            assert_eq!((reported.len(), missed), (0, 0));
            assert!(took.is_sorted(), "a member takes in order");
            all.extend(took);
        }
        all.sort_unstable();
        assert_eq!(all, (1..=MESSAGES).collect::<Vec<_>>());
        drop(publisher);
        assert_eq!(base.topics(), [""; 0]);
    }
}

#[test]
fn what_a_killed_member_had_in_hand_is_reported_once() {
    let base = Base::new();
    let mut member = Member::join(&base.join(), "t", "g").unwrap();
    let mut publisher = Publisher::open(&base.join(), "t", reliable(SHARED)).unwrap();
    let mut victim = base.peer(&["hold", "t", "g"]);
    let line = |child: &mut std::process::Child| {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line).unwrap();
        line
    };
    // The peer wants messages of its own kind: the first is one byte, 31.
    publisher.publish(&[31], Marks::default(), PATIENCE).unwrap();
    assert_eq!(line(&mut victim), "holding 1\n");
    kill(victim);
    send(&mut publisher, 2..=50);
    let (took, reported, missed) = take_all(&mut member);
    assert_eq!((took, reported, missed), ((2..=50).collect(), vec![1], 0));
    let mut other = Member::join(&base.join(), "t", "g").unwrap();
    assert_eq!(take_all(&mut other), (vec![], vec![], 0));
}

/// The second goes on where the first stopped; what it had in hand when it left is handled.
#[test]
fn a_group_goes_on_where_it_was_left() {
    let base = Base::new();
    let domain = base.join();
    let mut publisher = Publisher::open(&domain, "t", reliable(SHARED)).unwrap();
    let mut first = Member::join(&domain, "t", "g").unwrap();
    send(&mut publisher, 1..=20);
    for n in 1..=5 {
        assert!(matches!(first.next(PATIENCE).unwrap(), Some(Told::Message(head)) if head.sequence == n));
    }
    drop(first);
    let mut second = Member::join(&base.join(), "t", "g").unwrap();
    assert_eq!(take_all(&mut second), ((6..=20).collect(), vec![], 0));
}

#[test]
fn a_group_that_stands_is_put_out_and_told_exactly() {
    let base = Base::new();
    let mut publisher = Publisher::open(&base.join(), "t", reliable(SHARED)).unwrap();
    let mut member = Member::join(&base.join(), "t", "g").unwrap();
    send(&mut publisher, 1..=300);
    let (took, reported, missed) = take_all(&mut member);
    assert_eq!((took.len() as u64 + missed, reported.len()), (300, 0));
    assert!(missed > 200, "{missed} missed");
}

#[test]
fn what_groups_do_not_take_is_refused() {
    let base = Base::new();
    let domain = base.join();
    let _member = Member::join(&domain, "t", "g").unwrap();
    let mut publisher = Publisher::open(&domain, "t", reliable(SHARED)).unwrap();
    let large = publisher.publish(&[0; 257], Marks::default(), PATIENCE);
    assert!(matches!(large, Err(Error::TooLarge(257, 256))), "{large:?}");
    for name in ["", "a.b", "a b", &"x".repeat(33)] {
        assert!(matches!(Member::join(&domain, "t", name), Err(Error::Invalid(_))), "{name:?}");
    }
    let latest = small(SHARED, ringcast_from_spec::layout::ring_mode::LATEST);
    let _other = Publisher::open(&domain, "u", latest).unwrap();
    assert!(matches!(Member::join(&domain, "u", "g"), Err(Error::Invalid(_))));
}
