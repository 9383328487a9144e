//! The directory of a domain and this program's place in it (spec/segment.md, 1, 4, 5 and 7).

use crate::error::{During, Error, Result};
use crate::info::{self, Interest};
use crate::layout::{
    self, lock_byte, node_record, participant_record as record, participant_state, participants_header, segment_kind,
};
use crate::layout::{Entry, row_state};
use crate::segment::{self, Found, Plan, Segment};
use crate::sys::{self, Lock};
use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FOLDERS: [&str; 5] = ["live", "counters", "topics", "services", "inbox"];
/// Language.Other.
const LANGUAGE: u64 = layout::language::OTHER;

/// A domain that this program takes part in. It may be used by many threads at once.
pub struct Domain {
    /// BASE/DOMAIN.
    pub path: PathBuf,
    participants: Segment,
    records: Records,
    node: Segment,
    /// Index and generation of this participant.
    pub index: u16,
    generation: u32,
    /// Holds byte Participant + index.
    life: File,
    bell: Option<File>,
    sleepers: Mutex<u32>,
    /// Of each topic, the handles that were given: whether in use, and the last sequence.
    handles: Mutex<HashMap<String, Vec<(bool, u64)>>>,
    interests: Mutex<Vec<Interest>>,
}

/// Where the records lie.
#[derive(Clone, Copy)]
struct Records {
    count: u64,
    stride: usize,
    start: usize,
}

impl Domain {
    /// Joins the domain of that name below `base`, or where the environment says.
    pub fn open(base: Option<&Path>, name: &str) -> Result<Arc<Domain>> {
        if !crate::name::is_name(name) || name.starts_with('$') {
            return Err(Error::Invalid(format!("{name:?} is no name of a domain")));
        }
        let base = base.map_or_else(default_base, |b| Ok(b.to_path_buf()))?;
        let path = make_directory(&base, name)?;
        let participants = open_or_make(&path, "participants", segment_kind::PARTICIPANTS)?;
        let records = Records::of(&participants)?;
        let node = open_or_make(&path, "node", segment_kind::NODE)?;
        open_or_make(&path, "directory", segment_kind::DIRECTORY)?;
        let view = Peers { path: &path, participants: &participants, records, node: &node, own: crate::words::NOBODY };
        crate::recovery::sweep(&view)?;
        let (index, life, bell) = take_record(&view)?.ok_or_else(|| Error::Crowded(path.display().to_string()))?;
        let generation = (view.record(index, record::STATE).load(SeqCst) >> 32) as u32;
        let domain = Domain {
            path,
            participants,
            records,
            node,
            index,
            generation,
            life,
            bell: Some(bell),
            sleepers: Mutex::new(0),
            handles: Mutex::new(HashMap::new()),
            interests: Mutex::new(Vec::new()),
        };
        Ok(Arc::new(domain))
    }

    /// The records, for questions about others.
    pub fn peers(&self) -> Peers<'_> {
        let own = self.index;
        Peers { path: &self.path, participants: &self.participants, records: self.records, node: &self.node, own }
    }

    /// Address of this participant with that handle, as the 16 bytes of Address.
    pub fn address(&self, handle: u16) -> [u8; 16] {
        let node = self.node.fixed(layout::segment_header::SIZE + node_record::NODE, 8);
        let low = u64::from(self.generation) | u64::from(self.index) << 32 | u64::from(handle) << 48;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&node.to_le_bytes());
        bytes[8..].copy_from_slice(&low.to_le_bytes());
        bytes
    }

    /// The word of a row that this participant holds.
    pub fn row_word(&self) -> Entry {
        Entry::new(self.generation, self.index, row_state::HELD)
    }

    /// A handle for a publisher of that topic, and the last sequence that it has used.
    pub fn take_handle(&self, topic: &str) -> Result<(u16, u64)> {
        let mut topics = self.handles.lock().expect("no panic while it is held");
        let list = topics.entry(topic.into()).or_default();
        let free = list.iter().position(|(used, _)| !used).unwrap_or(list.len());
        if free == usize::from(u16::MAX) {
            return Err(Error::Crowded(format!("topic {topic}: its publishers in this program")));
        }
        if free == list.len() {
            list.push((true, 0));
        }
        list[free].0 = true;
        Ok((free as u16 + 1, list[free].1))
    }

    /// Takes a handle back: the next publisher that has it goes on behind that sequence.
    pub fn give_handle(&self, topic: &str, handle: u16, sequence: u64) {
        let mut topics = self.handles.lock().expect("no panic while it is held");
        if let Some(row) = topics.get_mut(topic).and_then(|list| list.get_mut(usize::from(handle) - 1)) {
            *row = (false, sequence);
        }
    }

    /// Says that this participant reads or writes something; returns the count of `changes`.
    pub fn tell(&self, interest: &Interest) -> Result<u64> {
        let mut list = self.interests.lock().expect("no panic while it is held");
        list.push(interest.clone());
        self.say(&list)
    }

    /// Takes one telling of an interest back.
    pub fn untell(&self, interest: &Interest) {
        let mut list = self.interests.lock().expect("no panic while it is held");
        if let Some(at) = list.iter().position(|i| i == interest) {
            list.remove(at);
            let _ = self.say(&list);
        }
    }

    fn say(&self, list: &[Interest]) -> Result<u64> {
        let mut different: Vec<Interest> = Vec::new();
        list.iter().for_each(|i| {
            if !different.contains(i) {
                different.push(i.clone())
            }
        });
        info::write(&self.peers(), self.index, &different)?;
        Ok(self.peers().changed())
    }

    /// The value of this participant's doorbell, to sleep on.
    pub fn bell(&self) -> u32 {
        self.peers().doorbell(self.index).load(SeqCst)
    }

    /// Sleeps until the doorbell has another value than `bell`, at most that long.
    pub fn sleep(&self, bell: u32, at_most: Duration) {
        let sleeping = self.peers().record32(self.index, record::SLEEPING);
        {
            let mut sleepers = self.sleepers.lock().expect("no panic while it is held");
            *sleepers += 1;
            sleeping.store(1, SeqCst); // pairs(doorbell)
        }
        sys::futex_wait(self.peers().doorbell(self.index), bell, at_most);
        let mut sleepers = self.sleepers.lock().expect("no panic while it is held");
        *sleepers -= 1;
        if *sleepers == 0 {
            sleeping.store(0, SeqCst);
        }
    }
}

impl Drop for Domain {
    /// Leaves: bell and info first, the record next, the lock last.
    fn drop(&mut self) {
        let live = self.path.join("live");
        drop(self.bell.take());
        for name in [format!("{}", self.index), format!("{}.info", self.index)] {
            let _ = fs::remove_file(live.join(name));
        }
        self.peers().mark_left(self.index, self.generation);
        self.peers().free(self.index, self.generation);
        let _ = sys::lock(&self.life, lock_byte::PARTICIPANT + u64::from(self.index), Lock::None);
    }
}

/// The participants of a domain, as anybody sees them.
#[derive(Clone, Copy)]
pub struct Peers<'a> {
    /// BASE/DOMAIN.
    pub path: &'a Path,
    participants: &'a Segment,
    records: Records,
    node: &'a Segment,
    own: u16,
}

impl<'a> Peers<'a> {
    /// How many records there are.
    pub fn count(&self) -> u16 {
        self.records.count as u16
    }

    /// The index of the participant that asks.
    pub fn own_index(&self) -> u16 {
        self.own
    }

    fn at(&self, index: u16, field: usize) -> usize {
        self.records.start + usize::from(index) * self.records.stride + field
    }

    pub(crate) fn record(&self, index: u16, field: usize) -> &'a AtomicU64 {
        self.participants.map.u64(self.at(index, field))
    }

    fn record32(&self, index: u16, field: usize) -> &'a AtomicU32 {
        self.participants.map.u32(self.at(index, field))
    }

    fn doorbell(&self, index: u16) -> &'a AtomicU32 {
        self.record32(index, record::DOORBELL)
    }

    /// The bytes of a record behind its first, and where they lie.
    pub(crate) fn info_area(&self, index: u16) -> (&'a crate::mapping::Mapping, usize, usize) {
        (&self.participants.map, self.at(index, 0), self.records.stride)
    }

    /// Whether somebody holds the participant's byte: as the kernel says, at this instant.
    pub fn is_alive(&self, index: u16) -> bool {
        sys::locked_by_another(self.participants.file(), lock_byte::PARTICIPANT + u64::from(index))
    }

    /// Rings a doorbell and wakes who sleeps on it.
    pub fn ring(&self, index: u16) {
        if u64::from(index) >= self.records.count {
            return;
        }
        let bell = self.doorbell(index);
        bell.fetch_add(1, SeqCst); // pairs(doorbell)
        if self.record32(index, record::SLEEPING).load(SeqCst) != 0 {
            sys::futex_wake(bell);
        }
    }

    /// The generation of a record that is LIVE.
    pub fn live_generation(&self, index: u16) -> Option<u32> {
        let word = self.record(index, record::STATE).load(SeqCst); // pairs(live)
        (word & layout::LOW == participant_state::LIVE).then_some((word >> 32) as u32)
    }

    /// {g, LIVE} to {g+1, FREE} (pairs(ending)), and all that it is told to. After the last generation comes 1.
    pub fn free(&self, index: u16, generation: u32) {
        let next = u64::from(generation.checked_add(1).unwrap_or(1));
        let live = u64::from(generation) << 32 | participant_state::LIVE;
        let free = next << 32 | participant_state::FREE;
        if self.record(index, record::STATE).compare_exchange(live, free, SeqCst, SeqCst).is_ok() {
            self.changed();
        }
    }

    /// Counts a change and rings the forwarder; returns the count that waits for it.
    pub fn changed(&self) -> u64 {
        let at = layout::segment_header::SIZE + participants_header::CHANGES;
        let now = self.participants.map.u64(at).fetch_add(1, SeqCst) + 1;
        if let Some(index) = self.forwarder() {
            self.ring(index);
        }
        now
    }

    /// The forwarder's index, if its record is as the node's segment says.
    fn forwarder(&self) -> Option<u16> {
        let word = self.node_word(node_record::FORWARDER);
        let index = (word & layout::LOW).checked_sub(1).filter(|i| *i < self.records.count)? as u16;
        (self.live_generation(index) == Some((word >> 32) as u32)).then_some(index)
    }

    /// Whether a forwarder lives.
    pub fn has_forwarder(&self) -> bool {
        sys::locked_by_another(self.node.file(), lock_byte::FORWARDER)
    }

    /// How far the forwarder has looked at the records.
    pub fn scanned(&self) -> u64 {
        self.node_word(node_record::SCANNED) // pairs(scanned)
    }

    fn node_word(&self, field: usize) -> u64 {
        self.node.map.u64(layout::segment_header::SIZE + field).load(SeqCst)
    }
}

impl Records {
    fn of(segment: &Segment) -> Result<Records> {
        let at = layout::segment_header::SIZE;
        if segment.fixed_size() != at + 64 {
            return Err(segment.damaged("not the fixed size of participants"));
        }
        let count = segment.fixed(at + participants_header::RECORD_COUNT, 4);
        let stride = segment.fixed(at + participants_header::RECORD_STRIDE, 4);
        let start = segment.fixed(at + participants_header::RECORDS_START, 8);
        let end = count.checked_mul(stride).and_then(|n| n.checked_add(start));
        let fits = end.is_some_and(|end| end <= segment.size() as u64) && start >= segment.fixed_size() as u64;
        let aligned = start % 64 == 0 && stride % 64 == 0 && stride >= record::SIZE as u64;
        if !(1..=65535).contains(&count) || !fits || !aligned {
            return Err(segment.damaged("impossible records"));
        }
        Ok(Records { count, stride: stride as usize, start: start as usize })
    }
}

/// BASE where nobody says it.
fn default_base() -> Result<PathBuf> {
    if let Some(told) = std::env::var_os("RINGCAST_SHM_DIR").filter(|v| !v.is_empty()) {
        return Ok(told.into());
    }
    let me = sys::user();
    let base = PathBuf::from(if me == 0 { "/dev/shm/ringcast".into() } else { format!("/dev/shm/ringcast-{me}") });
    match fs::symlink_metadata(&base) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(base),
        Ok(about) if about.is_dir() && about.mode() & 0o002 == 0 && about.uid() == me => Ok(base),
        _ => {
            Err(Error::Invalid(format!("{}: not a directory of this user's own; set RINGCAST_SHM_DIR", base.display())))
        }
    }
}

/// Makes the domain's directory with its folders beside its name, and then names it.
fn make_directory(base: &Path, name: &str) -> Result<PathBuf> {
    let path = base.join(name);
    if !path.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(base).during(base.display())?;
        let new = base.join(format!(".{name}.new-{:x}", segment::new_id()?));
        make_folder(&new)?;
        for folder in FOLDERS {
            make_folder(&new.join(folder))?;
        }
        match sys::rename_to_free(&new, &path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => fs::remove_dir_all(&new).during(new.display())?,
            end => end.during(path.display())?,
        }
    }
    for folder in FOLDERS.map(|f| path.join(f)) {
        if !folder.is_dir() {
            make_folder(&folder)?;
        }
    }
    Ok(path)
}

/// Makes a folder of a domain, with the rights of the one it lies in unless that is the base.
fn make_folder(path: &Path) -> Result<()> {
    let above = path.parent().unwrap_or(Path::new("/"));
    let rights =
        if above.join("live").is_dir() { above.metadata().during(above.display())?.mode() & 0o7777 } else { 0o700 };
    fs::create_dir(path).during(path.display())?;
    fs::set_permissions(path, fs::Permissions::from_mode(rights)).during(path.display())
}

fn open_or_make(directory: &Path, name: &str, kind: u64) -> Result<Segment> {
    let path = directory.join(name);
    loop {
        match Segment::open(&path, kind, true) {
            Ok(Found::Ready(segment)) => return Ok(segment),
            Ok(Found::Retired(_)) => return Err(Error::InUse(path.display().to_string())),
            Err(e) if e.is_missing() => (),
            Err(e) => return Err(e),
        }
        let mut made = make(directory, kind)?;
        if made.link(&path)? {
            return Ok(made);
        }
    }
}

fn make(directory: &Path, kind: u64) -> Result<Segment> {
    let mut geometry = [0u8; 64];
    let mut put =
        |at: usize, value: u64, size: usize| geometry[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    let mut size = 4096;
    match kind {
        segment_kind::PARTICIPANTS => {
            put(participants_header::RECORD_COUNT, layout::PARTICIPANT_COUNT, 4);
            put(participants_header::RECORD_STRIDE, layout::PARTICIPANT_RECORD_STRIDE, 4);
            put(participants_header::RECORDS_START, 4096, 8);
            size += (layout::PARTICIPANT_COUNT * layout::PARTICIPANT_RECORD_STRIDE) as usize;
        }
        segment_kind::DIRECTORY => {
            put(layout::directory_header::AREA_START, 4096, 4);
            put(layout::directory_header::AREA_SIZE, layout::DIRECTORY_AREA_SIZE, 4);
            size += layout::DIRECTORY_AREA_SIZE as usize;
        }
        _ => {
            put(node_record::NODE, node_id(directory)?, 4);
            put(node_record::EPOCH, (sys::random().during("random bytes")? & layout::LOW).max(1), 4);
            size = layout::segment_header::SIZE + node_record::SIZE;
        }
    }
    let plan = Plan { kind, id: segment::new_id()?, size, geometry: &geometry, rights: None };
    Segment::build(directory, &plan, |map| {
        for i in (0..layout::PARTICIPANT_COUNT as usize).filter(|_| kind == segment_kind::PARTICIPANTS) {
            let at = 4096 + i * layout::PARTICIPANT_RECORD_STRIDE as usize;
            map.u64(at).store(1 << 32 | participant_state::FREE, SeqCst);
        }
    })
}

fn node_id(directory: &Path) -> Result<u64> {
    let machine = fs::read_to_string("/etc/machine-id").or_else(|_| fs::read_to_string("/proc/sys/kernel/hostname"));
    let machine = machine.unwrap_or_default();
    let random = sys::random().during("random bytes")?.to_le_bytes();
    let text = machine.trim().bytes().chain([0]).chain(directory.display().to_string().into_bytes()).chain(random);
    let hash = layout::fnv64(text);
    Ok((hash >> 32 ^ hash & layout::LOW).max(1))
}

/// Steps 1 to 8 of joining: the index, the description that holds its byte, the bell.
fn take_record(peers: &Peers) -> Result<Option<(u16, File, File)>> {
    for index in 0..peers.count() {
        let is_free = || peers.record(index, record::STATE).load(SeqCst) & layout::LOW == participant_state::FREE;
        if !is_free() {
            continue;
        }
        let life = sys::reopen(peers.participants.file()).during("participants")?;
        let byte = lock_byte::PARTICIPANT + u64::from(index);
        if !sys::lock(&life, byte, Lock::Exclusive).during("participants")? {
            continue;
        }
        if !is_free() {
            continue; // life closes, and with it the lock
        }
        let bell = hang_bell(peers, index)?;
        introduce(peers, index)?;
        let state = peers.record(index, record::STATE);
        let free = state.load(SeqCst);
        if state.compare_exchange(free, free & !layout::LOW | participant_state::LIVE, SeqCst, SeqCst).is_err() {
            continue;
        }
        peers.changed();
        let path = peers.path.join(format!("live/{index}"));
        let mode = fs::metadata(&path).during(path.display())?.permissions();
        fs::set_permissions(&path, mode).during(path.display())?;
        return Ok(Some((index, life, bell)));
    }
    Ok(None)
}

/// Makes the FIFO by which others learn at once that this participant has gone.
fn hang_bell(peers: &Peers, index: u16) -> Result<File> {
    let live = peers.path.join("live");
    let (new, path) = (live.join(format!(".{index}")), live.join(index.to_string()));
    let _ = fs::remove_file(&new);
    sys::make_fifo(&new, 0o600).during(new.display())?;
    let bell = sys::open_plain(&new, true).during(new.display())?;
    segment::give_rights(&bell, &live, None)?;
    sys::lock(&bell, lock_byte::USAGE, Lock::Shared).during(new.display())?;
    fs::rename(&new, &path).during(path.display())?;
    for litter in [format!("live/{index}.info"), format!("live/.{index}.info"), format!("counters/{index}.cnt")] {
        let _ = fs::remove_file(peers.path.join(litter));
    }
    Ok(bell)
}

/// What a record says for show; an info of a predecessor is taken back.
fn introduce(peers: &Peers, index: u16) -> Result<()> {
    let at = peers.at(index, 0);
    let map = &peers.participants.map;
    peers.record32(index, record::SLEEPING).store(0, SeqCst);
    map.write(at + record::PID, &std::process::id().to_le_bytes());
    map.write(at + record::UID, &sys::user().to_le_bytes());
    map.write(at + record::STARTED_NS, &sys::wall_ns().to_le_bytes());
    map.write(at + record::LANGUAGE, &[LANGUAGE as u8, 0]);
    info::write(peers, index, &[])
}
