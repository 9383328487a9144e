//! Offsets, sizes, constants, and the words that are put together from bits.

include!(concat!(env!("OUT_DIR"), "/layout.rs"));

/// The low half of a word.
pub const LOW: u64 = 0xffff_ffff;

/// A claim word: lap 44, owner 16, state 4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim(pub u64);

impl Claim {
    /// What seals a ring that nobody wrote.
    pub const SEAL: Claim = Claim::new(LAP_LIMIT, 0, claim_state::HOLE);

    /// Puts a word together.
    pub const fn new(lap: u64, owner: u16, state: u64) -> Claim {
        Claim(lap << (OWNER_BITS + STATE_BITS) | (owner as u64) << STATE_BITS | state)
    }

    /// The lap that the word speaks of.
    pub fn lap(self) -> u64 {
        self.0 >> (OWNER_BITS + STATE_BITS)
    }

    /// The participant that holds the claim.
    pub fn owner(self) -> u16 {
        (self.0 >> STATE_BITS) as u16
    }

    /// A value of `claim_state`, if it is one.
    pub fn state(self) -> u64 {
        self.0 & STATE_MASK
    }
}

/// An entry's state word: generation 32, participant 16, state 16.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry(pub u64);

impl Entry {
    /// Puts a word together.
    pub const fn new(generation: u32, participant: u16, state: u64) -> Entry {
        Entry((generation as u64) << 32 | (participant as u64) << 16 | state)
    }

    /// Which use of the entry this is.
    pub fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The participant whose entry it is.
    pub fn participant(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// A value of `entry_state`, if it is one.
    pub fn state(self) -> u64 {
        self.0 & 0xffff
    }

    /// The same entry in another state.
    pub fn in_state(self, state: u64) -> Entry {
        Entry(self.0 & !0xffff | state)
    }

    /// The word that frees the entry.
    pub fn freed(self) -> Entry {
        Entry::new(self.generation(), 0, entry_state::FREE)
    }
}

/// The mark in a slot of an exclusive ring that says: step over.
pub const PAD: u64 = 1 << 63;

/// FNV-1a, 64 bits.
pub fn fnv64(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let step = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3);
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// FNV-1a, 32 bits.
pub fn fnv32(bytes: impl IntoIterator<Item = u8>) -> u32 {
    let step = |h: u32, b: u8| (h ^ u32::from(b)).wrapping_mul(0x0100_0193);
    bytes.into_iter().fold(0x811c_9dc5, step)
}

/// CRC-32C (Castagnoli): reflected, begun and ended with all ones.
pub fn crc32c(bytes: impl IntoIterator<Item = u8>) -> u32 {
    let step = |mut crc: u32, b: u8| {
        crc ^= u32::from(b);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
        crc
    };
    !bytes.into_iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash in the text was worked out by others: equal, so the schemas were read alike.
    #[test]
    fn the_hash_of_the_text_is_that_of_the_schemas() {
        let text = include_str!("../../../spec/layout.md");
        let says = text.split("The hash of this version's segments is `").nth(1).unwrap();
        assert_eq!(format!("{LAYOUT_HASH:#018x}"), says.split('`').next().unwrap());
    }

    #[test]
    fn sums_of_known_texts() {
        assert_eq!(crc32c(*b"123456789"), 0xe306_9283);
        assert_eq!(fnv64(*b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv32(*b"a"), 0xe40c_292c);
    }

    #[test]
    fn words_come_apart_as_they_were_put_together() {
        let c = Claim::new(7, 513, claim_state::WRITING);
        assert_eq!((c.lap(), c.owner(), c.state()), (7, 513, claim_state::WRITING));
        let e = Entry::new(9, 77, entry_state::EVICTED);
        assert_eq!((e.generation(), e.participant(), e.state()), (9, 77, entry_state::EVICTED));
        assert_eq!(e.freed(), Entry::new(9, 0, entry_state::FREE));
    }
}
