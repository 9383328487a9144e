//! Ringcast on one node, written from `spec/` and `codec/schema` alone.
//!
//! It shows that the texts suffice: nothing here was taken from the other implementations, with
//! which it shares rings in the conformance run. It joins a domain, publishes on shared and
//! exclusive topics (copied, in a claimed slot, in fragments), reads as a reliable or a latest
//! reader or as a member of a queue group, sleeps and is woken, follows replaced rings, and takes back
//! what the dead held.
//!
//! What is left out, README.md says.

pub mod domain;
mod ending;
pub mod error;
pub mod gate;
pub mod group;
pub mod info;
pub mod layout;
pub mod mapping;
pub mod member;
pub mod name;
pub mod pieces;
pub mod producer;
pub mod publisher;
pub mod reader;
pub mod recovery;
pub mod ring;
mod seat;
pub mod segment;
pub mod shape;
pub mod subscription;
pub mod sys;
pub mod table;
pub mod words;

pub use domain::Domain;
pub use error::{Error, Result};
pub use member::{Member, Told};
pub use publisher::{Marks, Publisher, Slot};
pub use shape::Ask;
pub use subscription::{Item, Subscription};
