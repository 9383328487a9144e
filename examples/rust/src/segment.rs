//! A mapped file with its header: how it is made, opened and removed (spec/segment.md, 2 and 3).

use crate::error::{During, Error, Result};
use crate::layout::{self, lock_byte, segment_header as header, segment_state as state};
use crate::mapping::Mapping;
use crate::sys::{self, Lock};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long an opener waits for a remover, and for those that use a file of another boot.
const REMOVER_PATIENCE: Duration = Duration::from_millis(200);
/// How long an opener waits for the end of a retired segment that others use.
const RETIRED_PATIENCE: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_micros(100);

/// A segment that this program has open: mapped, and its byte Usage locked shared.
pub struct Segment {
    /// Its bytes.
    pub map: Mapping,
    /// Its id, which does not change.
    pub id: u64,
    /// Where it was opened.
    pub path: PathBuf,
    file: File,
    /// Header and geometry as they were when it was opened.
    fixed: Vec<u8>,
}

/// What a segment is made of.
pub struct Plan<'a> {
    /// A value of `segment_kind`.
    pub kind: u64,
    /// At least 1; its name is made of it where it has to be known before.
    pub id: u64,
    /// Bytes of the file.
    pub size: usize,
    /// The geometry: from byte 128 on, to the end of the fixed bytes.
    pub geometry: &'a [u8],
    /// Mode and group; None: those of the directory.
    pub rights: Option<(u32, u32)>,
}

/// What an opener found.
pub enum Found {
    /// It can be used.
    Ready(Segment),
    /// It was given up, others still use it, and it has had its name for 20 ms since.
    Retired(Segment),
}

/// A random id.
pub fn new_id() -> Result<u64> {
    Ok((sys::random().during("random bytes")? >> (64 - layout::SEGMENT_ID_BITS)).max(1))
}

/// The hash of the kernel's boot id; 0 if it is not told.
fn boot_hash() -> u64 {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    text.map_or(0, |t| layout::fnv64(t.trim_end_matches('\n').bytes()))
}

/// The mode of files in a directory: its own without search, 0600 at least.
pub fn file_mode(directory: &Path) -> Result<u32> {
    let mode = fs::metadata(directory).during(directory.display())?.mode();
    Ok(mode & 0o666 | 0o600)
}

/// Gives a file that is made in a directory its rights: the directory's, or those that are told.
/// The owner is the directory's where root makes it, the group where the directory passes it on.
pub fn give_rights(file: &File, directory: &Path, told: Option<(u32, u32)>) -> Result<()> {
    let about = fs::metadata(directory).during(directory.display())?;
    let owner = (sys::user() == 0).then_some(about.uid());
    let group = told.map(|(_, group)| group).or((about.mode() & 0o2000 != 0).then_some(about.gid()));
    if owner.is_some() || group.is_some() {
        fchown(file, owner, group).during(directory.display())?;
    }
    let mode = told.map_or(file_mode(directory)?, |(mode, _)| mode);
    file.set_permissions(Permissions::from_mode(mode)).during(directory.display())
}

fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    let mut word = [0; 8];
    word[..size].copy_from_slice(&bytes[at..at + size]);
    u64::from_le_bytes(word)
}

fn checksum(fixed: &[u8]) -> u32 {
    let line = fixed[..64].iter().enumerate();
    let line = line.map(|(i, b)| if (header::CHECKSUM..header::CHECKSUM + 4).contains(&i) { 0 } else { *b });
    layout::crc32c(line.chain(fixed[header::SIZE..].iter().copied()))
}

impl Segment {
    /// Makes a segment, READY, without a name, in that directory; `fill` writes what is not zero.
    pub fn build(directory: &Path, plan: &Plan, fill: impl FnOnce(&Mapping)) -> Result<Segment> {
        let file = sys::nameless(directory).during(directory.display())?;
        give_rights(&file, directory, plan.rights)?;
        file.set_len(plan.size as u64).during(directory.display())?;
        sys::reserve(&file, plan.size as u64).during(format!("{} bytes in {}", plan.size, directory.display()))?;
        let map = Mapping::new(&file, plan.size, true).during(directory.display())?;
        sys::lock(&file, lock_byte::USAGE, Lock::Shared).during(directory.display())?;
        let fixed = first_bytes(plan);
        map.write(0, &fixed);
        fill(&map);
        // pairs(ready)
        map.u64(header::STATE).store(state::READY, SeqCst);
        Ok(Segment { map, id: plan.id, path: PathBuf::new(), file, fixed })
    }

    /// Gives a built segment its name; false: the name is taken.
    pub fn link(&mut self, path: &Path) -> Result<bool> {
        match sys::link(&self.file, path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            end => end.during(path.display())?,
        }
        self.path = path.to_path_buf();
        Ok(true)
    }

    /// Opens a segment as section 3 says, for writing if told so. A retired one that nobody uses
    /// is removed. A file that is not there is a `System` error for which `is_missing` is true.
    pub fn open(path: &Path, kind: u64, write: bool) -> Result<Found> {
        let began = Instant::now();
        let mut retired: Option<Instant> = None;
        loop {
            let late = began.elapsed() > REMOVER_PATIENCE;
            let Some(segment) = Segment::attach(path, kind, write)? else {
                if late {
                    return Err(Error::InUse(path.display().to_string()));
                }
                sleep(PAUSE);
                continue;
            };
            let word = segment.state().load(SeqCst); // pairs(ready)
            match word & layout::STATE_MASK {
                state::READY if !segment.of_another_boot() => return Ok(Found::Ready(segment)),
                state::READY | state::RETIRED => (),
                other => return Err(segment.damaged(format!("state {other}"))),
            }
            let is_retired = word & layout::STATE_MASK == state::RETIRED;
            if write && segment.remove()? {
                continue;
            }
            if is_retired && retired.get_or_insert_with(Instant::now).elapsed() > RETIRED_PATIENCE {
                if let Some(again) = Segment::attach(path, kind, write)? {
                    return Ok(Found::Retired(again));
                }
            } else if !is_retired && late {
                return Err(Error::InUse(path.display().to_string()));
            }
            sleep(PAUSE);
        }
    }

    /// The checks 1 to 13 of section 2; None: a remover is at work.
    pub fn attach(path: &Path, kind: u64, write: bool) -> Result<Option<Segment>> {
        let file = match sys::open_plain(path, write) {
            Err(e) if matches!(e.raw_os_error(), Some(6 | 21 | 40)) => {
                return Err(Error::NotOurs(path.display().to_string()));
            }
            other => other.during(path.display())?,
        };
        let fixed = checked(path, &file, kind)?;
        let about = file.metadata().during(path.display())?;
        let size = about.len();
        if write && about.blocks() * 512 < size {
            sys::reserve(&file, size).during(format!("{}: reserve its pages", path.display()))?;
        }
        if !sys::lock(&file, lock_byte::USAGE, Lock::Shared).during(path.display())? {
            return Ok(None);
        }
        let map = Mapping::new(&file, size as usize, write).during(path.display())?;
        let id = number(&fixed, header::SEGMENT_ID, 8);
        Ok(Some(Segment { map, id, path: path.to_path_buf(), file, fixed }))
    }

    /// The state word.
    pub fn state(&self) -> &std::sync::atomic::AtomicU64 {
        self.map.u64(header::STATE)
    }

    /// Whether it was given up.
    pub fn is_retired(&self) -> bool {
        self.state().load(SeqCst) & layout::STATE_MASK == state::RETIRED
    }

    /// The geometry: a number of `size` bytes at that offset of the file.
    pub fn fixed(&self, at: usize, size: usize) -> u64 {
        number(&self.fixed, at, size)
    }

    /// End of the bytes that never change.
    pub fn fixed_size(&self) -> usize {
        self.fixed.len()
    }

    /// Bytes of the file.
    pub fn size(&self) -> usize {
        self.fixed(header::SEGMENT_SIZE, 8) as usize
    }

    /// The file, for its other lock bytes.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// An error that names the file and what is wrong.
    pub fn damaged(&self, reason: impl std::fmt::Display) -> Error {
        Error::Damaged(format!("{}: {reason}", self.path.display()))
    }

    fn of_another_boot(&self) -> bool {
        let (theirs, ours) = (self.fixed(header::BOOT_HASH, 8), boot_hash());
        theirs != 0 && ours != 0 && theirs != ours
    }

    /// Whether its name still leads to this very file.
    pub fn has_its_name(&self) -> Result<bool> {
        same_file(&self.path, &self.file)
    }

    /// Gives up the own lock and takes the file's last one: true while the caller is its only user
    /// and nobody can open it. `release` ends that.
    pub fn seize(&self) -> Result<bool> {
        self.release();
        let alone = sys::lock(&self.file, lock_byte::USAGE, Lock::Exclusive).during(self.path.display())?;
        if alone && !self.has_its_name()? {
            self.release();
            return Ok(false);
        }
        Ok(alone)
    }

    /// Gives up the lock of byte Usage.
    pub fn release(&self) {
        let _ = sys::lock(&self.file, lock_byte::USAGE, Lock::None);
    }

    /// Retires a seized segment, keeping its successor, and removes its name.
    pub fn unlink(&self) -> Result<()> {
        let word = self.state().load(SeqCst);
        self.state().store(word & !layout::STATE_MASK | state::RETIRED, SeqCst);
        let end = fs::remove_file(&self.path).during(self.path.display());
        self.release();
        end
    }

    /// The rule of section 3; false: others use it, or the name is another's.
    pub fn remove(&self) -> Result<bool> {
        if !self.seize()? {
            return Ok(false);
        }
        self.unlink()?;
        Ok(true)
    }
}

/// Whether a name leads to that file.
pub fn same_file(path: &Path, file: &File) -> Result<bool> {
    let about = file.metadata().during(path.display())?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (about.dev(), about.ino())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e).during(path.display()),
    }
}

/// Removes a name by the remover's rule where no state has to be set; true if it is gone.
pub fn remove_plain(path: &Path) -> Result<bool> {
    let file = match sys::open_plain(path, true) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
        other => other.during(path.display())?,
    };
    let alone = sys::lock(&file, lock_byte::USAGE, Lock::Exclusive).during(path.display())?;
    if !alone || !same_file(path, &file)? {
        return Ok(false);
    }
    fs::remove_file(path).during(path.display())?;
    Ok(true)
}

/// Header and geometry of a new segment, with the checksum.
fn first_bytes(plan: &Plan) -> Vec<u8> {
    let mut bytes = vec![0; header::SIZE];
    bytes.extend_from_slice(plan.geometry);
    let mut put =
        |at: usize, size: usize, value: u64| bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    put(header::MAGIC, 8, layout::MAGIC);
    put(header::MAJOR, 2, layout::MAJOR);
    put(header::MINOR, 2, layout::MINOR);
    put(header::KIND, 4, plan.kind);
    put(header::LAYOUT_HASH, 8, layout::LAYOUT_HASH);
    put(header::SEGMENT_SIZE, 8, plan.size as u64);
    put(header::SEGMENT_ID, 8, plan.id);
    put(header::CREATED_NS, 8, sys::wall_ns());
    put(header::FIXED_SIZE, 4, (header::SIZE + plan.geometry.len()) as u64);
    put(header::BOOT_HASH, 8, boot_hash());
    let sum = checksum(&bytes);
    bytes[header::CHECKSUM..header::CHECKSUM + 4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Reads header and geometry once and checks them: 1 to 11 of the table.
fn checked(path: &Path, file: &File, kind: u64) -> Result<Vec<u8>> {
    let about = file.metadata().during(path.display())?;
    let shown = || path.display().to_string();
    let damaged = |why: &str| Err(Error::Damaged(format!("{}: {why}", path.display())));
    if !about.is_file() {
        return Err(Error::NotOurs(shown()));
    }
    let mut first = vec![0; header::SIZE];
    let got = read_at_most(file, &mut first).during(path.display())?;
    if got < 8 || number(&first, header::MAGIC, 8) != layout::MAGIC {
        return Err(Error::NotOurs(shown()));
    }
    if got < header::MAJOR + 2 {
        return damaged("it ends within its header");
    }
    if number(&first, header::MAJOR, 2) != layout::MAJOR {
        return Err(Error::OtherVersion(shown()));
    }
    if got < header::SIZE {
        return damaged("it ends within its header");
    }
    let size = number(&first, header::SEGMENT_SIZE, 8);
    if size != about.len() || usize::try_from(size).is_err() || size > i64::MAX as u64 {
        return damaged("its size is not what its header says");
    }
    let fixed = number(&first, header::FIXED_SIZE, 4);
    if !(header::SIZE as u64..=65536).contains(&fixed) || fixed > size {
        return damaged("the end of its fixed bytes is impossible");
    }
    first.resize(fixed as usize, 0);
    file.read_exact_at(&mut first[header::SIZE..], header::SIZE as u64).during(path.display())?;
    if u64::from(checksum(&first)) != number(&first, header::CHECKSUM, 4) {
        return damaged("the checksum is wrong");
    }
    if number(&first, header::LAYOUT_HASH, 8) != layout::LAYOUT_HASH {
        return Err(Error::OtherVersion(shown()));
    }
    if number(&first, header::SEGMENT_ID, 8) >> layout::SEGMENT_ID_BITS != 0 {
        return damaged("its id is impossible");
    }
    if number(&first, header::KIND, 4) != kind {
        return Err(Error::NotOurs(shown()));
    }
    Ok(first)
}

fn read_at_most(file: &File, out: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < out.len() {
        match file.read_at(&mut out[got..], got as u64) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => (),
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}
