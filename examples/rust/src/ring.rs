//! The two files of a ring: made, opened, replaced, left (spec/ring.md, 9).

use crate::domain::Domain;
use crate::error::{During, Error, Result};
use crate::layout::{STATE_BITS, segment_kind, segment_state};
use crate::segment::{self, Found, Plan, Segment};
use crate::shape::{Ask, Shape};
use crate::words::Words;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long somebody else may take to replace a ring before it is done for him.
const FINISH_AFTER: Duration = Duration::from_millis(20);
/// How long an opener looks again before it gives up.
const OPEN_PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_micros(100);

/// A ring that this program has open. Dropping it leaves it; its last user removes its files.
pub struct Ring {
    /// The control file.
    pub ctl: Segment,
    /// The slots; writable if it was opened to publish.
    pub data: Segment,
    /// Its shape.
    pub shape: Shape,
    /// The domain it lies in.
    pub domain: Arc<Domain>,
    /// The name of the topic.
    pub name: String,
}

/// Where the files of a topic lie.
fn path_of(domain: &Domain, name: &str, rest: &str) -> PathBuf {
    domain.path.join("topics").join(format!("{name}.{rest}"))
}

/// Where the slots of a ring lie.
fn data_path(domain: &Domain, name: &str, ctl: &Segment) -> Result<PathBuf> {
    let (_, data_id) = Shape::of(ctl)?;
    Ok(path_of(domain, name, &format!("{data_id:015x}.dat")))
}

/// The mode of a control file: who may read the slots has an entry there, so he may write it as
/// far as his class may write in the domain.
fn control_mode(data: u32, folder: &Path) -> u32 {
    let writes = folder.metadata().map_or(0, |m| m.mode()) & 0o222;
    data | (data & 0o444) >> 1 & writes
}

/// What an opener of a name came to.
enum Step {
    Open(Box<Ring>),
    /// Look again; the ring in it, if there is one, keeps the files until then.
    Again(Option<Box<Ring>>),
    /// The same, if this ring still looks like that after a while somebody has to help.
    Unfinished(u64),
}

impl Ring {
    /// Opens the ring of that topic, making it if it is not there. A publisher says what it asks
    /// for, and replaces a ring of another shape that nobody has written; a reader takes any.
    pub fn open(domain: &Arc<Domain>, name: &str, ask: Option<&Ask>) -> Result<Box<Ring>> {
        let began = Instant::now();
        let mut unfinished: Option<(u64, Instant)> = None;
        let mut _keep = None;
        while began.elapsed() < OPEN_PATIENCE {
            let late = unfinished.is_some_and(|(_, since)| since.elapsed() > FINISH_AFTER);
            match Ring::step(domain, name, ask, late)? {
                Step::Open(ring) => return Ok(ring),
                Step::Again(kept) => {
                    unfinished = None;
                    if kept.is_some() {
                        _keep = kept;
                        continue;
                    }
                }
                Step::Unfinished(id) if unfinished.is_some_and(|(seen, _)| seen == id) => (),
                Step::Unfinished(id) => unfinished = Some((id, Instant::now())),
            }
            sleep(PAUSE);
        }
        Err(Error::Stuck(path_of(domain, name, "ctl").display().to_string()))
    }

    /// Opens the ring of that name as a reader if there is one now.
    pub fn open_there(domain: &Arc<Domain>, name: &str) -> Option<Box<Ring>> {
        if !path_of(domain, name, "ctl").exists() {
            return None;
        }
        match Ring::step(domain, name, None, false) {
            Ok(Step::Open(ring)) => Some(ring),
            _ => None,
        }
    }

    /// One look at what the name leads to. `late`: what is unfinished has been so for long.
    fn step(domain: &Arc<Domain>, name: &str, ask: Option<&Ask>, late: bool) -> Result<Step> {
        let ctl = match Segment::open(&path_of(domain, name, "ctl"), segment_kind::RING_CONTROL, true) {
            Ok(Found::Ready(ctl)) => ctl,
            Ok(Found::Retired(old)) => return Ok(Step::Again(finish(domain, name, &old)?)),
            Err(e) if e.is_missing() => {
                let shape = Shape::default().with(ask.unwrap_or(&Ask::default())).check()?;
                return Ok(Step::Again(Ring::make(domain, name, shape, None)?));
            }
            Err(e) => return Err(e),
        };
        let (shape, data_id) = Shape::of(&ctl)?;
        let words = Words { ctl: &ctl, shape, peers: domain.peers() };
        if words.is_sealed() {
            return match late {
                true => Ok(Step::Again(replace(domain, name, &words, shape)?)),
                false => Ok(Step::Unfinished(ctl.id)),
            };
        }
        let path = path_of(domain, name, &format!("{data_id:015x}.dat"));
        let data = match Segment::open(&path, segment_kind::RING_DATA, ask.is_some()) {
            Ok(Found::Ready(data)) if data.size() == shape.data_size() && data.id == data_id => data,
            Ok(Found::Ready(data)) => return Err(data.damaged("these are not the slots of its ring")),
            Ok(Found::Retired(_)) => return Ok(Step::Unfinished(ctl.id)),
            Err(e) if e.is_missing() => {
                if late {
                    words.retire_damaged();
                }
                return Ok(Step::Unfinished(ctl.id));
            }
            Err(e) => return Err(e),
        };
        let wanted = shape.with(ask.unwrap_or(&Ask::default())).check()?;
        if wanted == shape {
            return Ok(Step::Open(Box::new(Ring { ctl, data, shape, domain: domain.clone(), name: name.into() })));
        }
        match replace(domain, name, &words, wanted)? {
            Some(ring) => Ok(Step::Again(Some(ring))),
            None if words.is_sealed() || ctl.is_retired() => Ok(Step::Again(None)),
            None => Err(Error::Shape(format!("topic {name} was written as {shape:?}, asked for is {wanted:?}"))),
        }
    }

    /// Makes data and control file; None: somebody else's ring has the name by now.
    fn make(domain: &Arc<Domain>, name: &str, shape: Shape, replaces: Option<&Path>) -> Result<Option<Box<Ring>>> {
        let folder = domain.path.join("topics");
        let rights = replaces.and_then(|data| data.metadata().ok()).map(|m| (m.mode() & 0o666, m.gid()));
        let control = rights.map(|(mode, group)| (control_mode(mode, &folder), group));
        let (id, data_id) = (segment::new_id()?, segment::new_id()?);
        let plan = Plan { kind: segment_kind::RING_DATA, id: data_id, size: shape.data_size(), geometry: &[], rights };
        let mut data = Segment::build(&folder, &plan, |_| ())?;
        let data_path = path_of(domain, name, &format!("{data_id:015x}.dat"));
        if !data.link(&data_path)? {
            return Ok(None);
        }
        let geometry = shape.geometry(data_id);
        let plan = Plan {
            kind: segment_kind::RING_CONTROL,
            id,
            size: shape.control_size(),
            geometry: &geometry,
            rights: control,
        };
        let rest = if replaces.is_some() { format!("ctl.{id:015x}") } else { "ctl".into() };
        let linked = Segment::build(&folder, &plan, |_| ()).and_then(|mut ctl| {
            let linked = ctl.link(&path_of(domain, name, &rest))?;
            Ok(linked.then_some(ctl))
        });
        match linked {
            Ok(Some(ctl)) => Ok(Some(Box::new(Ring { ctl, data, shape, domain: domain.clone(), name: name.into() }))),
            other => {
                let _ = fs::remove_file(&data_path);
                other.map(|_| None)
            }
        }
    }

    /// The words of its control file.
    pub fn words(&self) -> Words<'_> {
        Words { ctl: &self.ctl, shape: self.shape, peers: self.domain.peers() }
    }

    /// Removes a successor that did not get its name.
    fn discard(self) {
        let _ = fs::remove_file(&self.ctl.path);
        let _ = fs::remove_file(&self.data.path);
    }
}

impl Drop for Ring {
    /// Gives up the own lock first; then, if nobody uses it or may come, removes the files.
    fn drop(&mut self) {
        if self.ctl.seize().unwrap_or(false) {
            if self.words().is_awaited() {
                self.ctl.release();
            } else if self.ctl.unlink().is_ok() {
                let _ = fs::remove_file(&self.data.path);
                remove_groups(&self.domain, &self.name, self.ctl.id);
            }
        }
    }
}

/// Removes the files of the queue groups of a ring that is gone.
fn remove_groups(domain: &Domain, name: &str, id: u64) {
    let begin = format!("{name}.{id:015x}.");
    for entry in fs::read_dir(domain.path.join("topics")).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let text = file.to_string_lossy();
        if text.starts_with(&begin) && text.ends_with(".group") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Replaces a ring that nobody has written by one of that shape. None: it is in use, or another
/// was faster; the successor is thrown away then.
fn replace(domain: &Arc<Domain>, name: &str, old: &Words, shape: Shape) -> Result<Option<Box<Ring>>> {
    let Some(new) = Ring::make(domain, name, shape, Some(&data_path(domain, name, old.ctl)?))? else { return Ok(None) };
    let retired = new.ctl.id << STATE_BITS | segment_state::RETIRED;
    // pairs(seal)
    if !old.seal() || old.ctl.state().compare_exchange(segment_state::READY, retired, SeqCst, SeqCst).is_err() {
        new.discard();
        return Ok(None);
    }
    name_successor(old, new, true)
}

/// Finishes the replacement of a retired ring that has kept its name: None, look again.
fn finish(domain: &Arc<Domain>, name: &str, old: &Segment) -> Result<Option<Box<Ring>>> {
    let (shape, _) = Shape::of(old)?;
    let words = Words { ctl: old, shape, peers: domain.peers() };
    let word = old.state().load(SeqCst);
    let successor = word >> STATE_BITS;
    if successor != 0 {
        let _ = fs::remove_file(path_of(domain, name, &format!("ctl.{successor:015x}")));
    }
    if !old.has_its_name()? {
        return Ok(None);
    }
    let unwritten = words.is_unwritten();
    let Some(new) = Ring::make(domain, name, shape, Some(&data_path(domain, name, old)?))? else { return Ok(None) };
    let mine = new.ctl.id << STATE_BITS | segment_state::RETIRED;
    if old.state().compare_exchange(word, mine, SeqCst, SeqCst).is_err() {
        new.discard();
        return Ok(None);
    }
    name_successor(&words, new, unwritten)
}

/// Enters the readers into a successor that the old header names, and gives it the name.
fn name_successor(old: &Words, mut new: Box<Ring>, enter: bool) -> Result<Option<Box<Ring>>> {
    if enter {
        old.enter_readers(&new.words());
    }
    let name = old.ctl.path.clone();
    if let Err(e) = fs::rename(&new.ctl.path, &name) {
        new.discard();
        return if e.kind() == std::io::ErrorKind::NotFound { Ok(None) } else { Err(e).during(name.display()) };
    }
    new.ctl.path = name;
    let _ = fs::remove_file(data_path(&new.domain, &new.name, old.ctl)?);
    remove_groups(&new.domain, &new.name, old.ctl.id);
    old.wake_readers();
    old.wake_producers();
    Ok(Some(new))
}
