//! The calls of Linux that `std` lacks. Nothing here knows of segments or rings.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int, c_long};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

unsafe extern "C" {
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
    fn linkat(from: c_int, old: *const c_char, to: c_int, new: *const c_char, flags: c_int) -> c_int;
    fn mkfifo(path: *const c_char, mode: u32) -> c_int;
    fn fallocate(fd: c_int, mode: c_int, offset: i64, length: i64) -> c_int;
    fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
    fn geteuid() -> u32;
}

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

/// `struct flock` of 64-bit Linux.
#[repr(C)]
struct Flock {
    kind: i16,
    whence: i16,
    start: i64,
    length: i64,
    pid: i32,
}

#[cfg(target_arch = "x86_64")]
mod numbers {
    use std::ffi::{c_int, c_long};
    pub const SYS_FUTEX: c_long = 202;
    pub const SYS_RENAMEAT2: c_long = 316;
    pub const SYS_MEMBARRIER: c_long = 324;
    pub const O_DIRECTORY: c_int = 0x1_0000;
    pub const O_NOFOLLOW: c_int = 0x2_0000;
}
#[cfg(target_arch = "aarch64")]
mod numbers {
    use std::ffi::{c_int, c_long};
    pub const SYS_FUTEX: c_long = 98;
    pub const SYS_RENAMEAT2: c_long = 276;
    pub const SYS_MEMBARRIER: c_long = 283;
    pub const O_DIRECTORY: c_int = 0x4000;
    pub const O_NOFOLLOW: c_int = 0x8000;
}
use numbers::*;

const O_NOCTTY: c_int = 0x100;
const O_NONBLOCK: c_int = 0x800;
const O_TMPFILE: c_int = 0x40_0000 | O_DIRECTORY;
const AT_FDCWD: c_int = -100;
const AT_SYMLINK_FOLLOW: c_int = 0x400;
const RENAME_NOREPLACE: u32 = 1;
const F_OFD_GETLK: c_int = 36;
const F_OFD_SETLK: c_int = 37;
const FUTEX_WAIT: c_int = 0;
const FUTEX_WAKE: c_int = 1;
const MEMBARRIER_CMD_GLOBAL_EXPEDITED: c_int = 2;

/// What is done to one lock byte.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum Lock {
    /// Held together with others.
    Shared = 0,
    /// Held alone.
    Exclusive = 1,
    /// Given up.
    None = 2,
}

fn path_text(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from)
}

fn result(code: c_int) -> io::Result<()> {
    if code < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn again(mut call: impl FnMut() -> c_int) -> io::Result<()> {
    loop {
        match result(call()) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => (),
            end => return end,
        }
    }
}

/// Takes or gives up one byte of an open file description without waiting; false: others have it.
pub fn lock(file: &File, byte: u64, how: Lock) -> io::Result<bool> {
    let word = Flock { kind: how as i16, whence: 0, start: byte as i64, length: 1, pid: 0 };
    // SAFETY: the kernel reads one flock.
    let end = again(|| unsafe { fcntl(file.as_raw_fd(), F_OFD_SETLK, &raw const word) });
    match end {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.raw_os_error(), Some(11 | 13)) => Ok(false),
        Err(e) => Err(e),
    }
}

/// Whether another description holds the byte exclusively. A call that fails says yes.
pub fn locked_by_another(file: &File, byte: u64) -> bool {
    let mut word = Flock { kind: Lock::Shared as i16, whence: 0, start: byte as i64, length: 1, pid: 0 };
    // SAFETY: the kernel reads and writes one flock.
    let end = again(|| unsafe { fcntl(file.as_raw_fd(), F_OFD_GETLK, &raw mut word) });
    end.is_err() || word.kind != Lock::None as i16
}

/// Sleeps while the word, which other processes map too, has that value. It may return early.
pub fn futex_wait(word: &AtomicU32, value: u32, at_most: Duration) {
    let time = Timespec { seconds: at_most.as_secs() as i64, nanoseconds: at_most.subsec_nanos().into() };
    // SAFETY: the word and the time live as long as the call.
    unsafe { syscall(SYS_FUTEX, word.as_ptr(), FUTEX_WAIT, value, &raw const time, 0usize, 0) };
}

/// Wakes all that sleep on the word.
pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: the kernel only takes the address.
    unsafe { syscall(SYS_FUTEX, word.as_ptr(), FUTEX_WAKE, i32::MAX, 0usize, 0usize, 0) };
}

/// A fence in every process that has registered for such fences; false where that is not allowed.
pub fn fence_the_registered() -> bool {
    // SAFETY: no memory is given.
    unsafe { syscall(SYS_MEMBARRIER, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0 }
}

fn clock(number: c_int) -> u64 {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the kernel writes one timespec.
    unsafe { clock_gettime(number, &raw mut time) };
    time.seconds as u64 * 1_000_000_000 + time.nanoseconds as u64
}

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub fn monotonic_ns() -> u64 {
    clock(1)
}

/// Nanoseconds of the wall clock.
pub fn wall_ns() -> u64 {
    clock(0)
}

/// The user whose rights this process has.
pub fn user() -> u32 {
    // SAFETY: it touches no memory.
    unsafe { geteuid() }
}

/// Random bits.
pub fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Opens what lies there as segments are opened: no link is followed, nothing waits.
pub fn open_plain(path: &Path, write: bool) -> io::Result<File> {
    let flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    OpenOptions::new().read(true).write(write).custom_flags(flags).open(path)
}

/// A file without a name in that directory.
pub fn nameless(directory: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(O_TMPFILE).mode(0o600).open(directory)
}

/// Gives a nameless file its name; it must be free.
pub fn link(file: &File, path: &Path) -> io::Result<()> {
    let old = path_text(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))?;
    let new = path_text(path)?;
    // SAFETY: both texts end with a zero and live as long as the call.
    again(|| unsafe { linkat(AT_FDCWD, old.as_ptr(), AT_FDCWD, new.as_ptr(), AT_SYMLINK_FOLLOW) })
}

/// Reserves all pages of a file of that size.
pub fn reserve(file: &File, size: u64) -> io::Result<()> {
    // SAFETY: it touches no memory.
    again(|| unsafe { fallocate(file.as_raw_fd(), 0, 0, size as i64) })
}

/// Makes a FIFO.
pub fn make_fifo(path: &Path, mode: u32) -> io::Result<()> {
    let path = path_text(path)?;
    // SAFETY: the text ends with a zero and lives as long as the call.
    result(unsafe { mkfifo(path.as_ptr(), mode) })
}

/// Renames, unless the new name is taken.
pub fn rename_to_free(old: &Path, new: &Path) -> io::Result<()> {
    let (old, new) = (path_text(old)?, path_text(new)?);
    // SAFETY: both texts end with a zero and live as long as the call.
    result(unsafe { syscall(SYS_RENAMEAT2, AT_FDCWD, old.as_ptr(), AT_FDCWD, new.as_ptr(), RENAME_NOREPLACE) as c_int })
}

/// A description of its own of an open file, whatever its name leads to by now.
pub fn reopen(file: &File) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
