//! Taking back what dead participants held, before one joins (spec/segment.md, 5; ring.md, 13).

use crate::domain::Peers;
use crate::error::{During, Error, Result};
use crate::group::Group;
use crate::layout::segment_kind;
use crate::segment::{Found, Segment, remove_plain, same_file};
use crate::shape::Shape;
use crate::words::Words;
use std::fs;
use std::path::{Path, PathBuf};

/// Recovers all records that are LIVE and whose owner is dead, then removes litter.
pub fn sweep(peers: &Peers) -> Result<()> {
    let dead: Vec<(u16, u32)> = (0..peers.count())
        .filter_map(|i| Some((i, peers.live_generation(i)?)))
        .filter(|(i, _)| !peers.is_alive(*i))
        .collect();
    if dead.is_empty() {
        return Ok(());
    }
    for path in control_files(peers.path)? {
        recover_ring(peers, &path, &dead)?;
    }
    for (index, generation) in dead {
        let names = [
            format!("live/{index}"),
            format!("live/{index}.info"),
            format!("live/.{index}.info"),
            format!("counters/{index}.cnt"),
        ];
        for name in names {
            remove_plain(&peers.path.join(name))?;
        }
        if peers.mark_died(index, generation) {
            peers.free(index, generation);
        }
    }
    remove_litter(peers.path)
}

fn files(domain: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let mut list = Vec::new();
    for folder in ["topics", "services", "inbox"] {
        let folder = domain.join(folder);
        let found = match fs::read_dir(&folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.during(folder.display())?,
        };
        list.extend(found.flatten().filter(|f| wanted(&f.file_name().to_string_lossy())).map(|f| f.path()));
    }
    Ok(list)
}

fn control_files(domain: &Path) -> Result<Vec<PathBuf>> {
    files(domain, |name| name.ends_with(".ctl"))
}

/// Takes back the words of one ring. What is no ring of ours, or damaged, names nobody.
fn recover_ring(peers: &Peers, path: &Path, dead: &[(u16, u32)]) -> Result<()> {
    let ctl = match Segment::open(path, segment_kind::RING_CONTROL, true) {
        Ok(Found::Ready(ctl) | Found::Retired(ctl)) => ctl,
        Err(e) if e.is_missing() => return Ok(()),
        Err(Error::NotOurs(_) | Error::OtherVersion(_) | Error::Damaged(_)) => return Ok(()),
        Err(e) => return Err(e),
    };
    let Ok((shape, data_id)) = Shape::of(&ctl) else { return Ok(()) };
    let words = Words { ctl: &ctl, shape, peers: *peers };
    dead.iter().for_each(|(index, _)| _ = words.take_back(*index));
    report_groups(path, &words, dead)?;
    if ctl.seize()? {
        if words.is_awaited() {
            ctl.release();
        } else {
            ctl.unlink()?;
            let _ = fs::remove_file(path.with_extension(format!("{data_id:015x}.dat")));
        }
    }
    Ok(())
}

/// Tells the members of the ring's queue groups what the dead had in hand.
fn report_groups(path: &Path, words: &Words, dead: &[(u16, u32)]) -> Result<()> {
    let begin = path.with_extension(format!("{:015x}.", words.ctl.id));
    let begin = begin.to_string_lossy().into_owned();
    let found = fs::read_dir(path.parent().unwrap_or(Path::new("/"))).during(path.display())?;
    for file in found.flatten().map(|f| f.path()) {
        let text = file.to_string_lossy().into_owned();
        if text.starts_with(&begin) && text.ends_with(".group") {
            match Group::open(&file, words) {
                Ok(group) => group.report(words, |i| dead.iter().any(|d| d.0 == i) && !words.peers.is_alive(i)),
                Err(e @ Error::System(..)) if !e.is_missing() => return Err(e),
                Err(_) => (),
            }
        }
    }
    Ok(())
}

/// Removes data files and successors that no ring names and nobody uses.
fn remove_litter(domain: &Path) -> Result<()> {
    for path in files(domain, |name| name.ends_with(".dat") || name.contains(".ctl."))? {
        let Ok(file) = crate::sys::open_plain(&path, true) else { continue };
        if is_named(&path) || !same_file(&path, &file)? {
            continue;
        }
        drop(file);
        remove_plain(&path)?;
    }
    Ok(())
}

/// Whether a data file is that of the ring beside it.
fn is_named(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some((topic, id)) = name.strip_suffix(".dat").and_then(|n| n.rsplit_once('.')) else { return false };
    let ring = path.with_file_name(format!("{topic}.ctl"));
    let Ok(Some(ctl)) = Segment::attach(&ring, segment_kind::RING_CONTROL, false) else { return ring.exists() };
    Shape::of(&ctl).is_ok_and(|(_, data_id)| format!("{data_id:015x}") == id)
}
