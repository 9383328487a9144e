//! Zenoh on one node, behind the loops of node.c. What is known to be best:
//!  - peers that know each other's unix sockets, without a router and without scouting;
//!  - reliable, and a publisher that waits (CongestionControl::Block) instead of throwing away;
//!  - batches in streams, as its throughput example has them; express, which sends at once, where
//!    one waits for one message: round trips and requests. At 100,000 a second express falls behind;
//!  - messages of 4 KiB and more are written in its shared memory, in place; smaller ones are
//!    faster through the socket;
//!  - readers, answerers and servers are callbacks in Zenoh's own thread, as in its examples, so that
//!    no message waits for another thread. Whoever asks takes from a channel, and looks again and
//!    again if told to spin.
mod net;

use std::ffi::{c_char, c_int, CStr};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use zenoh::bytes::ZBytes;
use zenoh::handlers::FifoChannelHandler;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::CongestionControl;
use zenoh::query::{Querier, Query, Queryable, Reply};
use zenoh::sample::Sample;
use zenoh::shm::{BlockOn, GarbageCollect, PosixShmProviderBackend, ShmProvider, ShmProviderBuilder};
use zenoh::{Config, Session, Wait};

extern "C" {
    /// Writes a payload; reads one, and says whether more are to come; writes the answer: node.c.
    fn peer_fill(at: *mut u8, tag: u64, stamp: u64);
    fn peer_take(at: *const u8, length: usize) -> c_int;
    fn peer_answer(at: *mut u8);
}

/// What a process is: the order of enum role in node.h.
const PRODUCE: c_int = 0;
const CONSUME: c_int = 1;
const PING: c_int = 2;
const PONG: c_int = 3;
const ASK: c_int = 4;
const SERVE: c_int = 5;

/// From this size on the payload is in shared memory.
const SHARED_FROM: usize = 4096;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Terms {
    size: usize,
    producers: usize,
    readers: usize,
    spins: c_int,
    idle: c_int,
}

/// The books belong to whoever holds this: our thread, or Zenoh's while ours waits.
static BOOKS: Mutex<bool> = Mutex::new(false);
static ENDED: Condvar = Condvar::new();

/// Where payloads are written.
struct Writer {
    size: usize,
    shared: Option<ShmProvider<PosixShmProviderBackend>>,
}

/// How an asker gets its answers.
enum Answers {
    None,
    Topic(Subscriber<FifoChannelHandler<Sample>>),
    Service(Querier<'static>, Option<FifoChannelHandler<Reply>>),
}

pub struct Link {
    held: Option<MutexGuard<'static, bool>>,
    writer: Writer,
    publisher: Option<Publisher<'static>>,
    answers: Answers,
    _subscriber: Option<Subscriber<()>>,
    _queryable: Option<Queryable<()>>,
    _alive: Option<zenoh::liveliness::LivelinessToken>,
    session: Session,
    spins: bool,
    answers_itself: bool,
    idle: bool,
}

/// Ends the program with the reason.
fn must<T, E: core::fmt::Debug>(what: &str, r: Result<T, E>) -> T {
    r.unwrap_or_else(|e| {
        eprintln!("{what}: {e:?}");
        std::process::exit(1)
    })
}

impl Writer {
    fn new(size: usize) -> Writer {
        let room = (16 * size).max(32 << 20);
        let shared = (size >= SHARED_FROM).then(|| must("shared memory", ShmProviderBuilder::default_backend(room).wait()));
        Writer { size, shared }
    }

    /// A payload, written by a function of node.c.
    fn write(&self, by: impl FnOnce(*mut u8)) -> ZBytes {
        match &self.shared {
            Some(p) => {
                let mut m = must("shared memory", p.alloc(self.size).with_policy::<BlockOn<GarbageCollect>>().wait());
                by(m.as_mut().as_mut_ptr());
                m.into()
            }
            None => {
                let mut v: Vec<u8> = Vec::with_capacity(self.size);
                by(v.as_mut_ptr());
                unsafe { v.set_len(self.size) };
                v.into()
            }
        }
    }
}

/// Reads a message in Zenoh's thread, or in ours: are more to come?
fn read(payload: &ZBytes) -> bool {
    let bytes = payload.to_bytes();
    unsafe { peer_take(bytes.as_ptr(), bytes.len()) != 0 }
}

/// Tells our thread that the last one has come.
fn end(mut books: MutexGuard<'static, bool>) {
    *books = true;
    drop(books);
    ENDED.notify_all();
}

/// Who waits has its links when this returns; the others get theirs when there is somebody.
fn open_session(listens: Option<String>, connects: Vec<String>, waits: bool) -> Session {
    let mut c = Config::default();
    let quoted = |l: &[String]| format!("[{}]", l.iter().map(|e| format!("\"{e}\"")).collect::<Vec<_>>().join(","));
    for (key, value) in [
        ("mode", "\"peer\"".to_string()),
        ("scouting/multicast/enabled", "false".to_string()),
        ("scouting/gossip/enabled", "false".to_string()),
        ("listen/endpoints", quoted(listens.as_slice())),
        ("connect/endpoints", quoted(&connects)),
        ("connect/timeout_ms", "20000".to_string()),
        ("connect/exit_on_failure", waits.to_string()),
        ("connect/retry", "{period_init_ms: 5, period_max_ms: 20, period_increase_factor: 1}".to_string()),
        ("transport/shared_memory/enabled", "true".to_string()),
    ] {
        must(key, c.insert_json5(key, &value));
    }
    must("session", zenoh::open(c).wait())
}

/// Waits until so many partners have declared what they take: their sign of life comes after it.
fn await_partners(s: &Session, n: usize) {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let found = must("partners", s.liveliness().get("alive/*").wait());
        if found.into_iter().count() >= n {
            return;
        }
        if Instant::now() > until {
            eprintln!("{n} partners did not come");
            std::process::exit(1);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn publisher(s: &Session, on: &'static str, express: bool) -> Publisher<'static> {
    let p = s.declare_publisher(on).congestion_control(CongestionControl::Block);
    must("publisher", p.express(express).wait())
}

impl Link {
    fn new(role: c_int, index: c_int, place: &str, t: Terms) -> Link {
        let at = |i: usize| format!("unixsock-stream/{place}-{i}");
        let listens = matches!(role, CONSUME | PONG | SERVE);
        let connects = (0..if listens { 0 } else { t.readers }).map(at).collect();
        let session = open_session(listens.then(|| at(index as usize)), connects, true);
        let mut l = Link {
            held: Some(BOOKS.lock().unwrap()),
            writer: Writer::new(t.size),
            publisher: None,
            answers: Answers::None,
            _subscriber: None,
            _queryable: None,
            _alive: None,
            session,
            spins: t.spins != 0,
            answers_itself: matches!(role, PONG | SERVE),
            idle: t.idle != 0,
        };
        match role {
            PRODUCE => l.publisher = Some(publisher(&l.session, "there", false)),
            CONSUME => l.consume(),
            PING => {
                l.answers = Answers::Topic(must("subscriber", l.session.declare_subscriber("back").wait()));
                l.publisher = Some(publisher(&l.session, "there", true));
            }
            PONG => l.pong(t.size),
            ASK => {
                let q = l.session.declare_querier("service").congestion_control(CongestionControl::Block).express(true);
                l.answers = Answers::Service(must("querier", q.wait()), None);
            }
            _ => l.serve(t.size),
        }
        if listens {
            l._alive = Some(must("sign of life", l.session.liveliness().declare_token(format!("alive/{index}")).wait()));
        } else {
            await_partners(&l.session, t.readers);
        }
        l
    }

    fn consume(&mut self) {
        let s = self.session.declare_subscriber("there").callback(|m: Sample| {
            let books = BOOKS.lock().unwrap();
            if !read(m.payload()) {
                end(books);
            }
        });
        self._subscriber = Some(must("subscriber", s.wait()));
    }

    fn pong(&mut self, size: usize) {
        let (back, writer) = (publisher(&self.session, "back", true), Writer::new(size));
        let s = self.session.declare_subscriber("there").callback(move |m: Sample| {
            let books = BOOKS.lock().unwrap();
            if read(m.payload()) {
                must("answer", back.put(writer.write(|at| unsafe { peer_answer(at) })).wait());
            } else {
                end(books);
            }
        });
        self._subscriber = Some(must("subscriber", s.wait()));
    }

    fn serve(&mut self, size: usize) {
        let writer = Writer::new(size);
        let q = self.session.declare_queryable("service").callback(move |q: Query| {
            let books = BOOKS.lock().unwrap();
            let more = q.payload().is_none_or(read);
            must("answer", q.reply("service", writer.write(|at| unsafe { peer_answer(at) })).express(true).wait());
            if !more {
                end(books);
            }
        });
        self._queryable = Some(must("service", q.wait()));
    }

    /// What has come to an asker.
    fn poll(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        loop {
            let came = match &mut self.answers {
                Answers::None => return,
                Answers::Topic(s) if self.spins => must("answer", s.try_recv()),
                Answers::Topic(s) => must("answer", s.recv_timeout(patience)),
                Answers::Service(_, None) => return,
                Answers::Service(_, Some(replies)) => {
                    let r = if self.spins { must("answer", replies.try_recv()) } else { must("answer", replies.recv_timeout(patience)) };
                    r.map(|r| must("answer", r.into_result()))
                }
            };
            if let Some(m) = came {
                read(m.payload());
                return;
            }
            if !self.spins || Instant::now() > until {
                return;
            }
            core::hint::spin_loop();
        }
    }
}

/// # Safety
/// The place is a string that ends with 0.
#[no_mangle]
pub unsafe extern "C" fn peer_open(role: c_int, index: c_int, place: *const c_char, t: &Terms) -> *mut Link {
    let place = must("place", CStr::from_ptr(place).to_str());
    Box::into_raw(Box::new(Link::new(role, index, place, *t)))
}

/// Removes what processes have left in shared memory that have ended.
#[no_mangle]
pub extern "C" fn peer_clean() {
    zenoh::shm::cleanup_orphaned_shm_segments()
}

/// Sends a message or a request. What answers by itself has done so.
#[no_mangle]
pub extern "C" fn peer_send(l: &mut Link, tag: u64, stamp: u64) {
    if l.answers_itself {
        return;
    }
    let payload = l.writer.write(|at| unsafe { peer_fill(at, tag, stamp) });
    if let Answers::Service(q, replies) = &mut l.answers {
        *replies = Some(must("ask", q.get().payload(payload).wait()));
    } else if let Some(p) = &l.publisher {
        must("send", p.put(payload).wait());
    }
}

/// Waits for some time, while Zenoh's thread takes what comes; an asker takes it itself.
#[no_mangle]
pub extern "C" fn peer_receive(l: &mut Link, patience_ms: c_int) {
    if !matches!(l.answers, Answers::None) {
        return l.poll(Duration::from_millis(patience_ms as u64));
    }
    // Our thread has nothing to do but to see that the window has closed.
    let patience = Duration::from_millis(if l.idle { patience_ms as u64 } else { 5 });
    let mut books = l.held.take().unwrap();
    loop {
        let (held, _) = ENDED.wait_timeout(books, patience).unwrap();
        books = held;
        if *books || !l.answers_itself {
            break;
        }
    }
    l.held = Some(books);
}

/// # Safety
/// The link comes from peer_open and is not used again.
#[no_mangle]
pub unsafe extern "C" fn peer_close(l: *mut Link) {
    let mut l = Box::from_raw(l);
    l.held = None;
    must("close", l.session.close().wait());
}
