//! What a participant says of itself (spec/segment.md, 6): a ParticipantInfo under a version.

use crate::domain::Peers;
use crate::error::{Error, Result};
use crate::layout::{MAX_PARTICIPANT_INFO, participant_record as record};
use crate::table::{OFFSET, Table, Writer};
use std::fs;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::fence;
use std::time::Duration;

/// One thing that a participant reads or writes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Interest {
    /// A topic, or a pattern.
    pub name: String,
    /// The name is a pattern.
    pub pattern: bool,
    /// It publishes; otherwise it subscribes.
    pub publisher: bool,
    /// It reads as a latest reader.
    pub live: bool,
}

/// Writes the info of this participant, which only its owner does. A table that does not fit into
/// the record is refused: this implementation has no info file.
pub(crate) fn write(peers: &Peers, index: u16, interests: &[Interest]) -> Result<()> {
    let (map, at, stride) = peers.info_area(index);
    let mut table = vec![0; stride - record::SIZE];
    let room = table.len();
    let size = encode(&mut table, interests).ok_or(Error::TooLarge(room + 1, room))?;
    let version = map.u64(at + record::INFO_VERSION);
    version.store(version.load(Relaxed) | 1, Relaxed);
    fence(Release); // pairs(info)
    map.write(at + record::SIZE, &table[..size]);
    map.u32(at + record::INFO_PLACE).store(0, Relaxed);
    map.u32(at + record::INFO_SIZE).store(size as u32, Relaxed);
    version.store(version.load(Relaxed).wrapping_add(1), Release);
    Ok(())
}

/// What a participant says; None if it can't be read now or makes no sense.
pub(crate) fn read(peers: &Peers, index: u16) -> Option<Vec<Interest>> {
    let (map, at, stride) = peers.info_area(index);
    for _ in 0..100 {
        let version = map.u64(at + record::INFO_VERSION).load(Acquire); // pairs(info)
        let size = map.u32(at + record::INFO_SIZE).load(Relaxed) as usize;
        let table = match map.u32(at + record::INFO_PLACE).load(Relaxed) {
            0 if size <= stride - record::SIZE => {
                let mut bytes = vec![0; size];
                map.read(at + record::SIZE, &mut bytes);
                Some(bytes)
            }
            1 if size <= MAX_PARTICIPANT_INFO as usize => fs::read(peers.path.join(format!("live/{index}.info"))).ok(),
            _ => None,
        };
        fence(Acquire);
        if version & 1 == 0 && map.u64(at + record::INFO_VERSION).load(Relaxed) == version {
            return decode(table?.get(..size)?);
        }
        std::thread::sleep(Duration::from_micros(50));
    }
    None
}

fn encode(out: &mut [u8], interests: &[Interest]) -> Option<usize> {
    let mut writer = Writer::new(out);
    let [name, version, list] = writer.table(0, [OFFSET; 3]);
    writer.text(name, &program());
    writer.text(version, env!("CARGO_PKG_VERSION"));
    let first = writer.vector(list, interests.len());
    for (i, interest) in interests.iter().enumerate() {
        let flag = |b: bool| (u64::from(b), 1);
        let fields = [OFFSET, flag(interest.pattern), flag(interest.publisher), flag(false), flag(interest.live)];
        let [name, ..] = writer.table(first + 4 * i, fields);
        writer.text(name, &interest.name);
    }
    writer.finish()
}

/// The name of this program, for show.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.file_name().map_or(String::new(), |name| name.to_string_lossy().chars().take(64).collect())
}

fn decode(bytes: &[u8]) -> Option<Vec<Interest>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let one = |table: Table| {
        let flag = |n| table.number(n, 1).map(|v| v != 0);
        Some(Interest { name: table.text(0)?.into(), pattern: flag(1)?, publisher: flag(2)?, live: flag(4)? })
    };
    Table::root(bytes)?.tables(2)?.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Interest> {
        let of = |name: &str, pattern, publisher| Interest { name: name.into(), pattern, publisher, live: pattern };
        vec![of("a.b", false, true), of("orders.>", true, false), of("x", false, false)]
    }

    fn encoded(interests: &[Interest]) -> Vec<u8> {
        let mut bytes = vec![0; 1000];
        let size = encode(&mut bytes, interests).unwrap();
        bytes.truncate(size);
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        for n in 0..=3 {
            assert_eq!(decode(&encoded(&some()[..n])).unwrap(), &some()[..n]);
        }
        assert_eq!(encode(&mut [0; 64], &some()), None);
    }

    #[test]
    fn truncated_and_scribbled_tables_harm_nobody() {
        let whole = encoded(&some());
        for n in 0..whole.len() {
            let _ = decode(&whole[..n]);
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[n] = value;
                let _ = decode(&bytes);
            }
        }
    }
}
