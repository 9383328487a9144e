//! Messages between participants that live.
#![allow(missing_docs)]

mod common;

use common::*;
use ringcast_from_spec::layout::{Claim, claim_state, event_code, message_kind, ring_control, ring_mode, slot_header};
use ringcast_from_spec::ring::Ring;
use ringcast_from_spec::{Ask, Error, Item, Marks, Publisher, Subscription};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

const MESSAGES: u64 = 3000;

#[test]
fn every_message_comes_once_in_order() {
    for kind in [SHARED, EXCLUSIVE] {
        let base = Base::new();
        let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
        let reading = thread::spawn(move || read_until(&mut subscription, MESSAGES));
        let mut publisher = Publisher::open(&base.join(), "t", reliable(kind)).unwrap();
        publish(&mut publisher, 1..=MESSAGES);
        let (came, missed) = reading.join().unwrap();
        assert_eq!((came.len() as u64, missed), (MESSAGES, 0));
        drop(publisher);
        assert_eq!(base.topics(), [""; 0], "the last user removes the files");
    }
}

#[test]
fn four_slots_are_a_ring() {
    for (slots, kind) in [(4, SHARED), (4, EXCLUSIVE), (8, SHARED)] {
        let base = Base::new();
        let ask = Ask { slots: Some(slots), payload: Some(512), ..reliable(kind) };
        let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
        let reading = thread::spawn(move || read_until(&mut subscription, 500));
        let mut publisher = Publisher::open(&base.join(), "t", ask).unwrap();
        publish(&mut publisher, 1..=500);
        let (came, missed) = reading.join().unwrap();
        assert_eq!((came.len(), missed), (500, 0));
        let large = vec![7; slots as usize / 2 * 512 + 1];
        assert!(matches!(publisher.publish(&large, Marks::default(), PATIENCE), Err(Error::TooLarge { .. })));
    }
}

#[test]
fn messages_of_many_publishers_come_in_the_order_of_each() {
    let base = Base::new();
    let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
    let send = |domain| {
        thread::spawn(move || {
            let mut publisher = Publisher::open(&domain, "t", reliable(SHARED)).unwrap();
            publish(&mut publisher, 1..=500);
        })
    };
    let threads: Vec<_> = (0..3).map(|_| send(base.join())).collect();
    let mut last = std::collections::HashMap::new();
    for _ in 0..1500 {
        match subscription.next(PATIENCE).unwrap().expect("it comes") {
            Item::Message(head, payload) => {
                let before = last.insert(head.source, head.sequence).unwrap_or(0);
                assert_eq!((head.sequence, payload), (before + 1, &bytes(before + 1)[..]));
            }
            other => panic!("{other:?}"),
        }
    }
    threads.into_iter().for_each(|t| t.join().unwrap());
}

#[test]
fn a_slow_latest_reader_is_told_what_it_missed() {
    for (kind, mode) in [(SHARED, ring_mode::LATEST), (EXCLUSIVE, ring_mode::LATEST), (SHARED, ring_mode::RELIABLE)] {
        let base = Base::new();
        let mut publisher = Publisher::open(&base.join(), "t", small(kind, mode)).unwrap();
        let mut subscription = Subscription::open(&base.join(), "t", true, 0).unwrap();
        publish(&mut publisher, 1..=1000);
        let (came, missed) = read_until(&mut subscription, 1000);
        assert!(missed > 0 && came.len() < 64, "{} came, {missed} missed", came.len());
    }
}

#[test]
fn a_reader_that_stands_is_put_out_and_told() {
    for kind in [SHARED, EXCLUSIVE] {
        let base = Base::new();
        let mut publisher = Publisher::open(&base.join(), "t", reliable(kind)).unwrap();
        let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
        publish(&mut publisher, 1..=1);
        let Some(Item::Message(_, lent)) = subscription.next(PATIENCE).unwrap() else { panic!("no message") };
        publish(&mut publisher, 2..=300);
        assert_eq!(lent, bytes(1), "what is lent does not change");
        publish(&mut publisher, 301..=301);
        let mut told = 0;
        let mut last = 1;
        while told == 0 {
            match subscription.next(PATIENCE).unwrap().expect("it comes") {
                Item::Lagged { missed, .. } => told = missed,
                Item::Message(head, payload) => {
                    assert_eq!((head.sequence, payload), (last + 1, &bytes(last + 1)[..]));
                    last += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(told > 200 && last < 64, "missed {told} after {last}");
        publish(&mut publisher, 302..=302);
        let next = subscription.next(PATIENCE).unwrap();
        assert!(matches!(next, Some(Item::Message(head, _)) if head.sequence == 302), "{next:?}");
    }
}

#[test]
fn history_goes_back_as_far_as_it_is_asked_to() {
    let base = Base::new();
    let mut publisher = Publisher::open(&base.join(), "t", reliable(SHARED)).unwrap();
    let whole = |n: u64| vec![n as u8; 20];
    (1..=200).for_each(|n| publisher.publish(&whole(n), Marks::default(), PATIENCE).unwrap());
    for back in [0, 1, 10, 63] {
        let mut subscription = Subscription::open(&base.join(), "t", false, back).unwrap();
        for n in 201 - back..=200 {
            let item = subscription.next(PATIENCE).unwrap();
            assert!(matches!(&item, Some(Item::Message(head, b)) if head.sequence == n && *b == whole(n)), "{item:?}");
        }
        assert!(subscription.next(Duration::ZERO).unwrap().is_none());
    }
}

#[test]
fn a_claim_that_is_held_too_long_is_taken() {
    let base = Base::new();
    let mut publisher = Publisher::open(&base.join(), "t", reliable(SHARED)).unwrap();
    let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
    let ring = Ring::open(&base.join(), "t", Some(&Ask::default())).unwrap();
    let mut slot = publisher.claim(3, PATIENCE).unwrap();
    slot.bytes().copy_from_slice(b"one");
    while ring.words().load_claim(0).state() == claim_state::WRITING {
        assert!(subscription.next(Duration::from_millis(5)).unwrap().is_none());
    }
    assert!(matches!(slot.commit(3, Marks::default()), Err(Error::Fenced)));
    assert_eq!(ring.words().load_claim(0).state(), claim_state::HOLE, "its owner frees the slot");
    publisher.publish(b"two", Marks::default(), PATIENCE).unwrap();
    let item = subscription.next(PATIENCE).unwrap();
    assert!(matches!(&item, Some(Item::Message(head, b"two")) if head.sequence == 1), "{item:?}");
}

/// One who lives, and is fenced, holds the first slot of a lap, dead ones the two behind it: a publisher's first
/// look takes those back.
#[test]
fn claims_of_the_dead_behind_the_living_are_taken_back() {
    const DEAD: u16 = 200;
    let base = Base::new();
    let (domain, other) = (base.join(), base.join());
    let ask = Ask { slots: Some(4), payload: Some(64), ..reliable(SHARED) };
    let mut publisher = Publisher::open(&domain, "t", ask).unwrap();
    let mut subscription = Subscription::open(&domain, "t", false, 0).unwrap();
    let ring = Ring::open(&domain, "t", Some(&Ask::default())).unwrap();
    for _ in 0..4 {
        publisher.publish(b"x", Marks::default(), PATIENCE).unwrap();
        assert!(subscription.next(PATIENCE).unwrap().is_some());
    }
    assert!(subscription.next(Duration::ZERO).unwrap().is_none());
    let words = ring.words();
    for (slot, owner) in [(0, other.index), (1, DEAD), (2, DEAD)] {
        let held = Claim::new(1, owner, claim_state::QUARANTINED);
        assert!(words.swap_claim(slot, words.load_claim(slot), held));
    }
    publisher.publish(b"y", Marks::default(), PATIENCE).unwrap();
    let after = words.load_claim(0);
    assert_eq!((after.owner(), after.state()), (other.index, claim_state::QUARANTINED));
    assert_eq!(words.load_claim(1).state(), claim_state::READY);
    assert_eq!(words.load_claim(2), Claim::new(1, 0, claim_state::HOLE));
    assert_eq!(words.control(ring_control::RECOVERED).load(SeqCst), 2);
}

/// The same with more slots than one look goes over: lap by lap all of the dead's are taken back.
#[test]
fn many_claims_of_the_dead_behind_the_living_are_taken_back() {
    const DEAD: u16 = 200;
    const SLOTS: u64 = 256;
    const LARGE: u64 = 100;
    let base = Base::new();
    let (domain, other) = (base.join(), base.join());
    let ask = Ask { slots: Some(SLOTS), payload: Some(64), ..reliable(SHARED) };
    let mut publisher = Publisher::open(&domain, "t", ask).unwrap();
    let mut subscription = Subscription::open(&domain, "t", false, 0).unwrap();
    let ring = Ring::open(&domain, "t", Some(&Ask::default())).unwrap();
    let words = ring.words();
    for n in 0..7 * SLOTS {
        for slot in 0..2 * LARGE * u64::from(n == SLOTS) {
            let held = Claim::new(1, if slot < LARGE { other.index } else { DEAD }, claim_state::QUARANTINED);
            assert!(words.swap_claim(slot, words.load_claim(slot), held));
        }
        if n % 16 == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        publisher.publish(b"x", Marks::default(), PATIENCE).unwrap();
        assert!(subscription.next(PATIENCE).unwrap().is_some());
    }
    assert_eq!(words.control(ring_control::RECOVERED).load(SeqCst), LARGE);
    for word in (0..LARGE).map(|slot| words.load_claim(slot)) {
        assert_eq!((word.owner(), word.state()), (other.index, claim_state::QUARANTINED));
    }
}

/// All claim at once; each holds its claim for some time after the one before has committed: longer
/// than the commit deadline in all, but nobody stands in front of one of them for so long.
#[test]
fn writers_that_go_on_have_their_time_each() {
    let base = Base::new();
    let open = || Publisher::open(&base.join(), "t", reliable(SHARED)).unwrap();
    let mut publishers = [open(), open(), open(), open(), open(), open()];
    let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
    let slots: Vec<_> = publishers.iter_mut().map(|p| p.claim(1, PATIENCE).unwrap()).collect();
    for (n, slot) in slots.into_iter().enumerate() {
        for _ in 0..2 {
            assert!(subscription.next(Duration::ZERO).unwrap().is_none(), "writer {n}");
            thread::sleep(Duration::from_millis(10)); // a look counts no more, however long it was
        }
        slot.commit(1, Marks::default()).unwrap();
        let item = subscription.next(Duration::ZERO).unwrap();
        assert!(matches!(&item, Some(Item::Message(head, _)) if head.sequence == 1), "writer {n}: {item:?}");
    }
}

#[test]
fn a_claim_that_is_given_up_is_stepped_over() {
    for kind in [SHARED, EXCLUSIVE] {
        let base = Base::new();
        let mut publisher = Publisher::open(&base.join(), "t", reliable(kind)).unwrap();
        let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
        drop(publisher.claim(9, PATIENCE).unwrap());
        publish(&mut publisher, 1..=1);
        assert_eq!(read_until(&mut subscription, 1), (vec![1], 0));
    }
}

#[test]
fn a_written_topic_keeps_its_shape_and_an_exclusive_one_its_publisher() {
    let base = Base::new();
    let domain = base.join();
    let mut publisher = Publisher::open(&domain, "t", reliable(EXCLUSIVE)).unwrap();
    assert!(matches!(Publisher::open(&domain, "t", Ask::default()), Err(Error::NotExclusive(_))));
    publish(&mut publisher, 1..=1);
    assert!(matches!(Publisher::open(&domain, "t", reliable(SHARED)), Err(Error::Shape(_))));
    let limit = 32 * 256;
    let refused = publisher.publish(&vec![0; limit + 1], Marks::default(), PATIENCE);
    assert!(matches!(refused, Err(Error::TooLarge(size, at)) if size == limit + 1 && at == limit));
    publisher.publish(&vec![0; limit], Marks::default(), PATIENCE).unwrap();
    drop(publisher);
    Publisher::open(&domain, "t", Ask::default()).unwrap();
}

#[test]
fn messages_of_several_runs_come_whole() {
    for kind in [SHARED, EXCLUSIVE] {
        let base = Base::new();
        let ask = Ask { slots: Some(8192), payload: Some(128), ..reliable(kind) };
        let mut publisher = Publisher::open(&base.join(), "t", ask).unwrap();
        let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
        for size in [(64 << 10) - 1, 64 << 10, (64 << 10) + 1, (64 << 10) + 129, 300_001, 1 << 19] {
            let message: Vec<u8> = (0..size).map(|i| (size * 31 + i * 7) as u8).collect();
            publisher.publish(&message, Marks::default(), PATIENCE).unwrap();
            match subscription.next(PATIENCE).unwrap().expect("it comes") {
                Item::Message(_, payload) => assert!(payload == message, "{size} bytes"),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_full_topic_sends_nothing_and_uses_no_sequence() {
    let base = Base::new();
    let mut publisher = Publisher::open(&base.join(), "t", reliable(SHARED)).unwrap();
    let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
    let send = |p: &mut Publisher| p.publish(b"x", Marks::default(), Duration::ZERO);
    (0..64).for_each(|_| send(&mut publisher).unwrap());
    assert!(matches!(send(&mut publisher), Err(Error::Full)));
    for n in 1..=64 {
        let item = subscription.next(PATIENCE).unwrap();
        assert!(matches!(item, Some(Item::Message(head, _)) if head.sequence == n));
    }
    assert!(subscription.next(Duration::ZERO).unwrap().is_none());
    send(&mut publisher).unwrap();
    let item = subscription.next(PATIENCE).unwrap();
    assert!(matches!(item, Some(Item::Message(head, _)) if head.sequence == 65));
}

/// The handle of a closed publisher goes to the next, with its sequences.
#[test]
fn sequences_go_on_in_the_next_publisher_of_a_handle() {
    let base = Base::new();
    let domain = base.join();
    let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
    let mut sources = Vec::new();
    for n in 1..=3 {
        let mut publisher = Publisher::open(&domain, "t", Ask::default()).unwrap();
        publisher.publish(b"x", Marks::default(), PATIENCE).unwrap();
        let Some(Item::Message(head, _)) = subscription.next(PATIENCE).unwrap() else { panic!("no message") };
        assert_eq!(head.sequence, n);
        sources.push(head.source);
    }
    assert!(sources.iter().all(|s| *s == sources[0]), "{sources:?}");
}

/// An event is a message whose kind and payload say so; here one is made of a message by hand.
#[test]
fn loss_is_told_with_its_count() {
    let base = Base::new();
    let mut publisher = Publisher::open(&base.join(), "t", Ask::default()).unwrap();
    let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
    let ring = Ring::open(&base.join(), "t", Some(&Ask::default())).unwrap();
    for code in [event_code::LOSS, 77] {
        let mut record = vec![9; 16];
        record.extend((code | 3 << 32).to_le_bytes());
        [5u64, 10, 14].iter().for_each(|n| record.extend(n.to_le_bytes()));
        let position = ring.words().tail().load(SeqCst);
        publisher.publish(&record, Marks::default(), PATIENCE).unwrap();
        ring.data.map.write(ring.words().slot(position) + slot_header::KIND, &[message_kind::EVENT as u8]);
    }
    publisher.publish(b"next", Marks::default(), PATIENCE).unwrap();
    let item = subscription.next(PATIENCE).unwrap();
    assert!(matches!(item, Some(Item::Loss { reason: 3, count: 5, first: 10, last: 14, .. })), "{item:?}");
    let item = subscription.next(PATIENCE).unwrap();
    assert!(matches!(&item, Some(Item::Message(_, b"next"))), "an unknown event is passed over: {item:?}");
}
