//! Killed participants, and rings that are damaged or half replaced.
#![allow(missing_docs)]

mod common;

use common::*;
use ringcast_from_spec::layout::{Claim, LAYOUT_HASH, claim_state, segment_header, segment_kind, segment_state};
use ringcast_from_spec::ring::Ring;
use ringcast_from_spec::segment::Segment;
use ringcast_from_spec::{Ask, Error, Item, Marks, Publisher, Subscription};
use std::fs;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

#[test]
fn a_writer_killed_in_its_claim_holds_nobody() {
    for (kind, name) in [(SHARED, "shared"), (EXCLUSIVE, "exclusive")] {
        let base = Base::new();
        let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
        let before = base.join();
        kill(base.peer(&["claim", "t", name, "reliable"]));
        // One that was there before takes the claim back by itself; one that joins then, the rest.
        let mut publisher = Publisher::open(&before, "t", reliable(kind)).unwrap();
        publish(&mut publisher, 1..=40);
        assert_eq!(read_until(&mut subscription, 40).1, 0);
        let after = base.join();
        assert!(after.index >= 1, "the index of the dead is free again");
        let live = fs::read_dir(base.0.join("default/live")).unwrap().count();
        assert_eq!(live, 3, "one bell each of those that live");
    }
}

#[test]
fn a_killed_reader_holds_nobody() {
    let base = Base::new();
    let domain = base.join();
    let mut publisher = Publisher::open(&domain, "t", reliable(SHARED)).unwrap();
    kill(base.peer(&["read", "t", "reliable", "0", "1"]));
    publish(&mut publisher, 1..=300);
    let words = publisher.ring().words();
    assert!(words.entries().all(|i| words.load_entry(i).participant_if_used().is_none()));
}

/// Who dies leaves a ring with his entry; who joins next recovers him, and the ring goes.
#[test]
fn what_the_dead_leave_is_removed() {
    let base = Base::new();
    kill(base.peer(&["read", "t", "reliable", "0", "1"]));
    kill(base.peer(&["claim", "u", "exclusive", "reliable"]));
    fs::copy(base.0.join("default/node"), base.0.join("default/topics/v.000000000000001.dat")).unwrap();
    drop(base.join());
    assert_eq!(base.topics(), [""; 0]);
    assert_eq!(fs::read_dir(base.0.join("default/live")).unwrap().count(), 0);
}

#[test]
fn an_impossible_word_costs_the_ring_and_nobody_else() {
    for word in [Claim::new(9, 0, claim_state::READY), Claim::new(1, 0, 9), Claim::SEAL] {
        let base = Base::new();
        let mut publisher = Publisher::open(&base.join(), "t", reliable(SHARED)).unwrap();
        let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
        publish(&mut publisher, 1..=2);
        assert_eq!(read_until(&mut subscription, 2).0, [1, 2]);
        let old = publisher.ring().ctl.id;
        publisher.ring().words().claim(2).store(word.0, SeqCst);
        // Who finds it first is the publisher or the reader; what lay unread is LAGGED.
        let (mut sent, mut last, mut lagged) = (2, 2, false);
        while last < 20 {
            sent += 1;
            publish(&mut publisher, sent..=sent);
            while let Some(item) = subscription.next(Duration::from_millis(1)).unwrap() {
                match item {
                    Item::Message(head, payload) => {
                        assert!(head.sequence == last + 1 || lagged, "{} after {last}", head.sequence);
                        assert_eq!(payload, bytes(head.sequence));
                        (last, lagged) = (head.sequence, false);
                    }
                    Item::Lagged { .. } => lagged = true,
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_ne!(publisher.ring().ctl.id, old, "all meet in a new ring");
    }
}

#[test]
fn a_payload_outside_its_slot_is_an_event() {
    use ringcast_from_spec::layout::slot_header::{PAYLOAD_LENGTH, PAYLOAD_START};
    for (field, value) in
        [(PAYLOAD_START, 0), (PAYLOAD_START, u32::MAX), (PAYLOAD_LENGTH, 257), (PAYLOAD_LENGTH, u32::MAX)]
    {
        let base = Base::new();
        let domain = base.join();
        let mut publisher = Publisher::open(&domain, "t", reliable(SHARED)).unwrap();
        let mut subscription = Subscription::open(&domain, "t", false, 0).unwrap();
        publish(&mut publisher, 1..=2);
        let ring = Ring::open(&domain, "t", Some(&Ask::default())).unwrap();
        ring.data.map.write(ring.words().slot(0) + field, &value.to_le_bytes());
        assert!(matches!(subscription.next(PATIENCE).unwrap(), Some(Item::Damaged(0))));
        let item = subscription.next(PATIENCE).unwrap();
        assert!(matches!(&item, Some(Item::Message(head, _)) if head.sequence == 2), "{item:?}");
    }
}

/// A replacer that died behind its seal, or behind the swap of the header.
#[test]
fn a_replacement_that_nobody_goes_on_with_is_finished() {
    for (kind, retired) in [(SHARED, false), (SHARED, true), (EXCLUSIVE, false), (EXCLUSIVE, true)] {
        let base = Base::new();
        let domain = base.join();
        drop(Publisher::open(&domain, "u", reliable(kind)).unwrap());
        let ring = Ring::open(&domain, "t", Some(&reliable(kind))).unwrap();
        let mut subscription = Subscription::open(&domain, "t", false, 0).unwrap();
        assert!(ring.words().seal());
        if retired {
            ring.ctl.state().store(5 << 4 | segment_state::RETIRED, SeqCst);
        }
        let mut publisher = Publisher::open(&base.join(), "t", reliable(kind)).unwrap();
        assert_ne!(publisher.ring().ctl.id, ring.ctl.id);
        publish(&mut publisher, 1..=30);
        assert_eq!(read_until(&mut subscription, 30).1, 0, "readers were entered, and miss nothing");
    }
}

#[test]
fn a_ring_without_its_slots_is_made_anew() {
    let base = Base::new();
    let domain = base.join();
    let mut subscription = Subscription::open(&domain, "t", false, 0).unwrap();
    for name in base.topics().iter().filter(|n| n.ends_with(".dat")) {
        fs::remove_file(base.0.join("default/topics").join(name)).unwrap();
    }
    let mut publisher = Publisher::open(&domain, "t", Ask::default()).unwrap();
    publisher.publish(&bytes(1), Marks::default(), PATIENCE).unwrap();
    assert_eq!(read_until(&mut subscription, 1).0, [1]);
}

#[test]
fn three_errors_mean_three_things() {
    let base = Base::new();
    let _domain = base.join();
    let path = base.0.join("x");
    let good = fs::read(base.0.join("default/node")).unwrap();
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Segment::open(&path, segment_kind::NODE, true).err()
    };
    assert!(open(&good).is_none());
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    assert!(matches!(open(b"short"), Some(Error::NotOurs(_))));
    assert!(matches!(open(&with(0, 0)), Some(Error::NotOurs(_))));
    assert!(matches!(open(&with(segment_header::MAJOR, 9)), Some(Error::OtherVersion(_))));
    assert!(matches!(open(&good[..9]), Some(Error::Damaged(_))));
    assert!(matches!(open(&good[..200]), Some(Error::Damaged(_))));
    assert!(matches!(open(&with(130, !good[130])), Some(Error::Damaged(_))));
    assert!(matches!(open(&with(segment_header::STATE, 7)), Some(Error::Damaged(_))));
    fs::write(&path, &good).unwrap();
    assert!(matches!(Segment::open(&path, segment_kind::RING_DATA, true).err(), Some(Error::NotOurs(_))));
    assert_eq!(good[segment_header::LAYOUT_HASH..][..8], LAYOUT_HASH.to_le_bytes());
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("default/node", &path).unwrap();
    assert!(matches!(Segment::open(&path, segment_kind::NODE, true).err(), Some(Error::NotOurs(_))));
}

/// Every byte of the fixed bytes, changed: an error, never anything else.
#[test]
fn scribbled_headers_are_refused() {
    let base = Base::new();
    let domain = base.join();
    let _ring = Ring::open(&domain, "t", Some(&Ask::default())).unwrap();
    let path = base.0.join("default/topics/t.ctl");
    let good = fs::read(&path).unwrap();
    let copy = base.0.join("default/topics/c.ctl");
    for at in (0..64).chain(128..256) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x55;
        fs::write(&copy, &bytes).unwrap();
        assert!(Ring::open(&domain, "c", None).is_err(), "byte {at}");
    }
}

#[test]
fn names_and_domains_that_are_none_are_refused() {
    let base = Base::new();
    let domain = base.join();
    for name in ["", "a..b", "a/b", "*", "../x"] {
        assert!(matches!(Publisher::open(&domain, name, Ask::default()), Err(Error::Invalid(_))), "{name:?}");
        assert!(matches!(Subscription::open(&domain, name, false, 0), Err(Error::Invalid(_))), "{name:?}");
    }
    assert!(ringcast_from_spec::Domain::open(Some(&base.0), "$sys").is_err());
    let odd = Ask { slots: Some(100), ..Ask::default() };
    assert!(matches!(Publisher::open(&domain, "t", odd), Err(Error::Invalid(_))));
}

#[test]
fn nobody_is_woken_too_late() {
    let base = Base::new();
    let mut subscription = Subscription::open(&base.join(), "t", false, 0).unwrap();
    let domain = base.join();
    let thread = std::thread::spawn(move || read_until(&mut subscription, 50));
    let mut publisher = Publisher::open(&domain, "t", reliable(EXCLUSIVE)).unwrap();
    for n in 1..=50 {
        std::thread::sleep(Duration::from_millis(2));
        publish(&mut publisher, n..=n);
    }
    assert_eq!(thread.join().unwrap().0.len(), 50);
}
