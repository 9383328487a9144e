//! Marks of how the lives of a record ended (spec/segment.md, 5, Endings).

use crate::domain::Peers;
use crate::layout;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

/// Ending.Left and Ending.Died, of system.fbs.
const ENDING_LEFT: u64 = 1;
const ENDING_DIED: u64 = 2;

impl<'a> Peers<'a> {
    /// The word with the mark of a generation: how it ended.
    fn ending(&self, index: u16, generation: u32) -> &'a AtomicU64 {
        let word = u64::from(generation) % layout::PARTICIPANT_ENDINGS * 8;
        self.record(index, (layout::PARTICIPANT_ENDINGS_OFFSET + word) as usize)
    }

    /// Marks that a participant leaves; itself does.
    pub fn mark_left(&self, index: u16, generation: u32) {
        self.ending(index, generation).store(u64::from(generation) << 32 | ENDING_LEFT, SeqCst);
    }

    /// Marks that a participant died whose lock was free while its record was LIVE; false if it is not any more.
    pub fn mark_died(&self, index: u16, generation: u32) -> bool {
        let word = self.ending(index, generation);
        let before = word.load(SeqCst); // before the look: so it is no later life's
        if self.live_generation(index) != Some(generation) {
            return false; // it left before the kernel was asked, or another was faster
        }
        let died = u64::from(generation) << 32 | ENDING_DIED;
        if before != died {
            let _ = word.compare_exchange(before, died, SeqCst, SeqCst); // lost to who has found the same
        }
        true
    }
}
