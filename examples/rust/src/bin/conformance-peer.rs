//! The peer of the conformance run (cbindings/conformance): one command, then the end.

use ringcast_from_spec::layout::{STRUCTS, content, ring_kind, ring_mode};
use ringcast_from_spec::table::{OFFSET, Table, Writer};
use ringcast_from_spec::{Ask, Domain, Error, Item, Marks, Member, Publisher, Subscription, Told};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);
const SLOT: usize = 256;
const SCHEMA: u32 = 0x4f52_4445;
const SIZES: [usize; 8] = [0, 1, 63, SLOT, SLOT + 1, 800, 0, 17];
const WHOLE_SIZES: [usize; 8] = [0, 1, 63, SLOT, SLOT, SLOT - 1, 0, 17];
const HALF_SIZES: [usize; 8] = [0, 1, 63, SLOT, SLOT + 1, SLOT - 1, 0, 17];
/// Which of eight messages has an Order.
const ORDER: u64 = 6;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say(&e.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Outcome {
    let domain = || Domain::open(None, "default");
    match words {
        ["write", topic, kind, mode, what, count] => {
            write(&domain()?, topic, ask(kind, mode)?, sizes_of(what)?, count.parse()?)
        }
        ["claim", topic, kind, mode] => hold(&domain()?, topic, ask(kind, mode)?),
        ["read", topic, reading, history, count] => {
            read(&domain()?, topic, *reading == "latest", history.parse()?, count.parse()?)
        }
        ["member", topic, group] => member(&domain()?, topic, group),
        ["hold", topic, group] => hold_message(&domain()?, topic, group),
        ["images", golden] => images(golden),
        _ => Err(format!("unknown command {words:?}: see cbindings/conformance/doc.go").into()),
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn ask(kind: &str, mode: &str) -> Result<Ask, String> {
    let kind = match kind {
        "shared" => ring_kind::SHARED,
        "exclusive" => ring_kind::EXCLUSIVE,
        other => return Err(format!("no such kind: {other}")),
    };
    let (mode, slots) = match mode {
        "reliable" => (ring_mode::RELIABLE, 64),
        "latest" => (ring_mode::LATEST, 64),
        "few" => (ring_mode::RELIABLE, 4),
        other => return Err(format!("no such mode: {other}")),
    };
    Ok(Ask { slots: Some(slots), payload: Some(SLOT as u64), mode: Some(mode), kind: Some(kind) })
}

fn payload(n: u64, size: usize) -> Vec<u8> {
    (0..size as u64).map(|i| (n * 31 + i * 7) as u8).collect()
}

/// The sizes of WHAT.
fn sizes_of(what: &str) -> Result<[usize; 8], String> {
    match what {
        "all" => Ok(SIZES),
        "whole" => Ok(WHOLE_SIZES),
        "half" => Ok(HALF_SIZES),
        other => Err(format!("no such messages: {other}")),
    }
}

fn write(domain: &Arc<Domain>, topic: &str, ask: Ask, sizes: [usize; 8], count: u64) -> Outcome {
    let mut publisher = Publisher::open(domain, topic, ask)?;
    for n in 1..=count {
        send(&mut publisher, n, sizes[(n % 8) as usize]).map_err(|e| format!("message {n}: {e}"))?;
        if ask.mode == Some(ring_mode::LATEST) && n % 8 == 0 {
            sleep(Duration::from_micros(200));
        }
    }
    Ok(())
}

/// Sends one message; what was taken for slowness is sent again.
fn send(publisher: &mut Publisher, n: u64, size: usize) -> Result<(), Error> {
    let raw = Marks { content: content::RAW, schema: SCHEMA };
    loop {
        let sent = if n % 8 == ORDER {
            let mut slot = publisher.claim(SLOT, PATIENCE)?;
            let length = write_order(slot.bytes(), n).ok_or(Error::TooLarge(SLOT + 1, SLOT))?;
            slot.commit(length, Marks { content: content::FLAT_BUFFER, ..raw })
        } else if n % 3 == 0 && size <= SLOT {
            let mut slot = publisher.claim(size, PATIENCE)?;
            slot.bytes().copy_from_slice(&payload(n, size));
            slot.commit(size, raw)
        } else {
            publisher.publish(&payload(n, size), raw, PATIENCE)
        };
        match sent {
            Err(Error::Fenced) => (),
            end => return end,
        }
    }
}

fn hold(domain: &Arc<Domain>, topic: &str, ask: Ask) -> Outcome {
    let mut publisher = Publisher::open(domain, topic, ask)?;
    let _slot = publisher.claim(1, PATIENCE)?;
    say("claimed");
    sleep(PATIENCE);
    Err("was not killed".into())
}

fn read(domain: &Arc<Domain>, topic: &str, latest: bool, history: u64, count: u64) -> Outcome {
    let mut subscription = Subscription::open(domain, topic, latest, history)?;
    say("ready");
    let (mut last, mut got, mut missed, mut lagged) = (0, 0, 0, false);
    while last < count {
        match subscription.next(PATIENCE)? {
            None => return Err(format!("nothing came for {PATIENCE:?} after {last}").into()),
            Some(Item::Lagged { .. }) => lagged = true,
            Some(Item::Message(head, bytes)) => {
                let n = head.sequence;
                if n <= last || n != last + 1 && !lagged {
                    return Err(format!("after {last}: sequence {n}").into());
                }
                check(n, head.content, head.schema, bytes)
                    .ok_or_else(|| format!("message {n}: wrong, {} bytes", bytes.len()))?;
                missed += n - last - 1;
                (last, lagged, got) = (n, false, got + 1);
            }
            Some(other) => return Err(format!("after {last}: {other:?}").into()),
        }
    }
    say(&format!("got {got} missed {missed}"));
    Ok(())
}

/// Takes messages of a group until the standard input ends.
fn member(domain: &Arc<Domain>, topic: &str, group: &str) -> Outcome {
    let ended = Arc::new(AtomicBool::new(false));
    let seen = ended.clone();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        seen.store(true, Ordering::SeqCst);
    });
    let mut member = Member::join(domain, topic, group)?;
    say("ready");
    while !ended.load(Ordering::SeqCst) {
        match member.next(Duration::from_millis(50))? {
            None => (),
            Some(Told::Message(head)) => {
                let n = head.sequence;
                check(n, head.content, head.schema, member.bytes()).ok_or_else(|| format!("message {n}: wrong"))?;
                member.done();
                say(&format!("took {n}"));
            }
            Some(Told::Abandoned { sequence, .. }) => {
                member.done();
                say(&format!("abandoned {sequence}"));
            }
            Some(Told::Lagged(missed)) => say(&format!("missed {missed}")),
            Some(other) => return Err(format!("{other:?}").into()),
        }
    }
    Ok(())
}

/// Takes one message of a group and keeps it in hand.
fn hold_message(domain: &Arc<Domain>, topic: &str, group: &str) -> Outcome {
    let mut member = Member::join(domain, topic, group)?;
    say("ready");
    let Some(Told::Message(head)) = member.next(PATIENCE)? else { return Err("no message came".into()) };
    let n = head.sequence;
    check(n, head.content, head.schema, member.bytes()).ok_or_else(|| format!("message {n}: wrong"))?;
    say(&format!("holding {n}"));
    sleep(PATIENCE);
    Err("was not killed".into())
}

/// Prints every scalar of the golden images of the structs that this implementation knows.
fn images(golden: &str) -> Outcome {
    for (name, size, _) in STRUCTS {
        let bytes = std::fs::read(format!("{golden}/testdata/{name}.bin"))?;
        if bytes.len() != *size {
            return Err(format!("{name}: {} bytes, want {size}", bytes.len()).into());
        }
        show(name, &format!("{name}."), &bytes)?;
    }
    Ok(())
}

/// The scalars of one struct, as `PATH VALUE`, a line each.
fn show(name: &str, path: &str, bytes: &[u8]) -> Outcome {
    let (_, _, fields) = STRUCTS.iter().find(|s| s.0 == name).ok_or("a struct of the schemas")?;
    for (field, kind, at, size) in *fields {
        let part = &bytes[*at..at + size];
        if STRUCTS.iter().any(|s| s.0 == *kind) {
            show(kind, &format!("{path}{field}."), part)?;
            continue;
        }
        let mut word = [0; 8];
        word[..*size].copy_from_slice(part);
        say(&format!("{path}{field} {}", u64::from_le_bytes(word)));
    }
    Ok(())
}

/// None: the message is not what it should be.
fn check(n: u64, marked: u64, schema: u32, bytes: &[u8]) -> Option<()> {
    if n % 8 == ORDER {
        return check_order(n, bytes).filter(|()| marked == content::FLAT_BUFFER && schema == SCHEMA);
    }
    let at = (n % 8) as usize;
    let right = [SIZES[at], WHOLE_SIZES[at]].contains(&bytes.len()) && bytes == payload(n, bytes.len());
    (right && marked == content::RAW).then_some(())
}

fn check_order(n: u64, bytes: &[u8]) -> Option<()> {
    let order = Table::root(bytes)?;
    let lines = order.tables(2)?;
    let line = lines.first().filter(|_| lines.len() == 1)?;
    let of_order = order.number(0, 8)? == n && order.text(1)? == format!("c{n}");
    let of_line = line.text(0)? == "tea" && line.number(1, 4)? == n % 7 + 1 && line.number(2, 8)? == n * 100;
    (of_order && of_line).then_some(())
}

/// Builds the Order of message n where it lies; None: there is no room.
fn write_order(out: &mut [u8], n: u64) -> Option<usize> {
    let mut writer = Writer::new(out);
    let [_, customer, lines] = writer.table(0, [(n, 8), OFFSET, OFFSET]);
    writer.text(customer, &format!("c{n}"));
    let first = writer.vector(lines, 1);
    let [item, ..] = writer.table(first, [OFFSET, (n % 7 + 1, 4), (n * 100, 8)]);
    writer.text(item, "tea");
    writer.finish()
}
