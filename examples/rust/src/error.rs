//! What may go wrong, by what the caller can do about it.

use std::fmt;
use std::io;

/// An error of this crate.
#[derive(Debug)]
pub enum Error {
    /// A call of the system failed.
    System(String, io::Error),
    /// The file is no segment of Ringcast, or one of another kind: leave it alone.
    NotOurs(String),
    /// Another version of Ringcast uses the directory: end it, or use another directory.
    OtherVersion(String),
    /// It was a segment of ours.
    Damaged(String),
    /// Somebody is removing the file, or another machine uses the directory.
    InUse(String),
    /// Somebody is replacing the ring and does not go on.
    Stuck(String),
    /// All records of the domain, or all entries of the ring, are taken.
    Crowded(String),
    /// The ring was written in another shape than the one asked for.
    Shape(String),
    /// Another living publisher owns the exclusive ring.
    NotExclusive(String),
    /// A name or an argument that the specification forbids.
    Invalid(String),
    /// More than the ring takes: bytes, and the limit.
    TooLarge(usize, usize),
    /// No room until the time was over; nothing was sent.
    Full,
    /// The claim was held too long and taken; nothing was sent.
    Fenced,
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether the file is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Error::System(_, e) if e.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::System(what, e) => write!(f, "{what}: {e}"),
            Error::NotOurs(what) => {
                write!(f, "{what}: not a segment of the kind wanted; leave it, use another directory")
            }
            Error::OtherVersion(what) => {
                write!(f, "{what}: of another version of Ringcast; end that, or use another directory")
            }
            Error::Damaged(what) => write!(f, "{what}: damaged; remove it when nobody uses it"),
            Error::InUse(what) => {
                write!(f, "{what}: somebody is removing it and does not go on, or another machine uses it")
            }
            Error::Stuck(what) => write!(f, "{what}: somebody is replacing it and does not go on"),
            Error::Crowded(what) => write!(f, "{what}: no place is free; end a program that uses it"),
            Error::Shape(what) => write!(f, "{what}"),
            Error::NotExclusive(what) => {
                write!(f, "{what}: another publisher owns this exclusive topic; close it first")
            }
            Error::Invalid(what) => write!(f, "{what}"),
            Error::TooLarge(size, limit) => {
                write!(f, "{size} bytes are more than the {limit} that this ring takes; ask for larger slots")
            }
            Error::Full => write!(f, "no room: a reader is a whole ring behind"),
            Error::Fenced => {
                write!(f, "the claim was held longer than the commit deadline and was taken; publish again")
            }
        }
    }
}

impl std::error::Error for Error {}

/// Says what was being done when a call of the system failed.
pub trait During<T> {
    /// Names it.
    fn during(self, what: impl fmt::Display) -> Result<T>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|e| Error::System(what.to_string(), e))
    }
}
