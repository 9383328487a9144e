//! Messages larger than a slot, put together again (spec/ring.md, 11).

use crate::layout::{message_flag as flag, slot_header as header};
use crate::shape::Shape;
use crate::subscription::{Head, Source};
use std::collections::HashMap;

/// Partial messages, and their bytes, that a reader keeps at most.
const MOST: usize = 64;
const MOST_BYTES: usize = 64 << 20;

/// What came of one more fragment.
pub enum Whole {
    /// More follow, or it was passed over.
    NotYet,
    /// The beginning of a message for which there is no place: one position is missed.
    NoRoom,
    /// It was the last.
    Message(Vec<u8>),
}

struct Partial {
    sequence: u64,
    begun: u64,
    next: u16,
    total: usize,
    bytes: Vec<u8>,
}

/// One partial message a handle.
#[derive(Default)]
pub struct Pieces {
    open: HashMap<Source, Partial>,
}

impl Pieces {
    /// Drops all: the reader lags.
    pub fn clear(&mut self) {
        self.open.clear();
    }

    /// Adds the fragment at a position.
    pub fn add(&mut self, shape: &Shape, position: u64, head: &[u8; header::SIZE], bytes: &[u8]) -> Whole {
        let marks = Head::of(head);
        let number = |at: usize, size: usize| (0..size).rev().fold(0, |n, i| n << 8 | usize::from(head[at + i]));
        let (total, fragment) = (number(header::TOTAL_LENGTH, 4), number(header::FRAGMENT, 2) as u16);
        let last = marks.flags & flag::END != 0;
        let old = self.open.remove(&marks.source);
        let mut partial = match old {
            _ if marks.flags & flag::BEGIN != 0 => {
                if total > shape.message_limit() || fragment != 0 || !self.has_room(total, position, shape) {
                    return Whole::NoRoom;
                }
                Partial { sequence: marks.sequence, begun: position, next: 0, total, bytes: Vec::new() }
            }
            Some(partial) if (partial.sequence, partial.next, partial.total) == (marks.sequence, fragment, total) => {
                partial
            }
            _ => return Whole::NotYet,
        };
        partial.bytes.extend_from_slice(bytes);
        partial.next = fragment.wrapping_add(1);
        let full = last || bytes.len() == shape.payload as usize;
        if partial.bytes.len() > total || !full || last && partial.bytes.len() != total {
            return Whole::NotYet;
        }
        if last {
            return Whole::Message(partial.bytes);
        }
        self.open.insert(marks.source, partial);
        Whole::NotYet
    }

    /// Whether one more may begin; those that cannot end any more make place for it.
    fn has_room(&mut self, total: usize, position: u64, shape: &Shape) -> bool {
        let fits = |open: &HashMap<Source, Partial>| {
            open.len() < MOST && total + open.values().map(|p| p.total).sum::<usize>() <= MOST_BYTES
        };
        if !fits(&self.open) {
            self.open.retain(|_, p| position < p.begun.saturating_add(shape.slots));
        }
        fits(&self.open)
    }
}
