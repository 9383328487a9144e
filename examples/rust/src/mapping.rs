//! A mapped file: the one place where memory is touched that other processes write.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

unsafe extern "C" {
    fn mmap(at: *mut c_void, length: usize, rights: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut c_void;
    fn munmap(at: *mut c_void, length: usize) -> c_int;
}

const PROT_READ: c_int = 1;
const PROT_WRITE: c_int = 2;
const MAP_SHARED: c_int = 1;

/// The bytes of a file, mapped. Offsets beyond its end panic: they were checked when the segment
/// was opened, so they would be this program's own mistake.
pub struct Mapping {
    base: *mut u8,
    length: usize,
}

// SAFETY: the memory is shared by processes anyway; words are atomics, and slices are handed out
// under the protocol only.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `length` bytes. A store into what was not mapped for writing is a fault.
    pub fn new(file: &File, length: usize, write: bool) -> io::Result<Mapping> {
        let rights = if write { PROT_READ | PROT_WRITE } else { PROT_READ };
        // SAFETY: the kernel chooses a free place.
        let base = unsafe { mmap(std::ptr::null_mut(), length, rights, MAP_SHARED, file.as_raw_fd(), 0) };
        if base.addr() == usize::MAX {
            return Err(io::Error::last_os_error());
        }
        Ok(Mapping { base: base.cast(), length })
    }

    fn at(&self, offset: usize, size: usize, align: usize) -> *mut u8 {
        let fits = offset.checked_add(size).is_some_and(|end| end <= self.length);
        assert!(fits && offset % align == 0, "{size} bytes at {offset} of {}", self.length);
        // SAFETY: it lies in the mapping.
        unsafe { self.base.add(offset) }
    }

    /// The word of 8 bytes there.
    pub fn u64(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: in the mapping, aligned, and touched by atomics alone.
        unsafe { AtomicU64::from_ptr(self.at(offset, 8, 8).cast()) }
    }

    /// The word of 4 bytes there.
    pub fn u32(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: as above.
        unsafe { AtomicU32::from_ptr(self.at(offset, 4, 4).cast()) }
    }

    fn u8(&self, offset: usize) -> &AtomicU8 {
        // SAFETY: as above.
        unsafe { AtomicU8::from_ptr(self.at(offset, 1, 1)) }
    }

    /// Copies bytes that others may be writing; whether the copy is good is checked afterwards.
    pub fn read(&self, offset: usize, out: &mut [u8]) {
        let mut i = 0;
        while i < out.len() {
            if (offset + i) % 8 == 0 && out.len() - i >= 8 {
                out[i..i + 8].copy_from_slice(&self.u64(offset + i).load(Relaxed).to_le_bytes());
                i += 8;
            } else {
                out[i] = self.u8(offset + i).load(Relaxed);
                i += 1;
            }
        }
    }

    /// Writes bytes that others may be reading.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        let mut i = 0;
        while i < bytes.len() {
            if (offset + i) % 8 == 0 && bytes.len() - i >= 8 {
                let word: [u8; 8] = bytes[i..i + 8].try_into().expect("eight bytes");
                self.u64(offset + i).store(u64::from_le_bytes(word), Relaxed);
                i += 8;
            } else {
                self.u8(offset + i).store(bytes[i], Relaxed);
                i += 1;
            }
        }
    }

    /// Bytes that lie still: those of a message that is lent to the caller.
    pub fn lent(&self, offset: usize, length: usize) -> &[u8] {
        // SAFETY: in the mapping; the protocol lets nobody write a lent slot.
        unsafe { std::slice::from_raw_parts(self.at(offset, length, 1), length) }
    }

    /// Bytes of a slot that the caller has claimed.
    pub fn claimed(&mut self, offset: usize, length: usize) -> &mut [u8] {
        // SAFETY: in the mapping; nobody reads or writes a claimed slot but its owner, and the
        // borrow of self keeps it the only one in this program.
        unsafe { std::slice::from_raw_parts_mut(self.at(offset, length, 1), length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was mapped by new, and no borrow outlives self.
        unsafe { munmap(self.base.cast(), self.length) };
    }
}
