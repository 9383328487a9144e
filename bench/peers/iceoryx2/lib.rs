//! iceoryx2 on one node, behind the loops of node.c. What is known to be best:
//!  - slices that are loaned and written in place, read where they lie;
//!  - lossless: no safe overflow, a publisher that tries again until it is delivered. While it
//!    waits it burns its core, as iceoryx2 does;
//!  - as much buffer as our ring has slots, less of large ones, and no more than 1024 where several publish, which suits it better;
//!  - a reader that spins or yields polls its subscriber; one that sleeps has a listener, and every
//!    send a notification, which is iceoryx2's way of waking;
//!  - unsynchronised ports (ipc::Service, not ipc_threadsafe): each belongs to one thread.
use core::time::Duration;
use iceoryx2::active_request::ActiveRequest;
use iceoryx2::node::Node;
use iceoryx2::pending_response::PendingResponse;
use iceoryx2::port::client::Client;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::server::Server;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::port::update_connections::UpdateConnections;
use iceoryx2::prelude::*;
use std::ffi::{c_char, c_int, CStr};

type S = ipc::Service;
type Words = [u64];

extern "C" {
    /// Writes a payload, reads one: node.c.
    fn peer_fill(at: *mut u8, tag: u64, stamp: u64);
    fn peer_take(at: *const u8, length: usize);
}

/// What a process is: the order of enum role in node.h.
const PRODUCE: c_int = 0;
const CONSUME: c_int = 1;
const PING: c_int = 2;
const ASK: c_int = 4;

#[repr(C)]
pub struct Terms {
    words: usize,
    producers: usize,
    readers: usize,
    buffer: usize,
    sleeps: c_int,
}

pub struct Link {
    words: usize,
    pending: Option<PendingResponse<S, Words, (), Words, ()>>,
    active: Option<ActiveRequest<S, Words, (), Words, ()>>,
    publisher: Option<Publisher<S, Words, ()>>,
    subscriber: Option<Subscriber<S, Words, ()>>,
    client: Option<Client<S, Words, (), Words, ()>>,
    server: Option<Server<S, Words, (), Words, ()>>,
    notifier: Option<Notifier<S>>,
    listener: Option<Listener<S>>,
    node: Node<S>,
}

/// Ends the program with the reason.
fn must<T, E: core::fmt::Debug>(what: &str, r: Result<T, E>) -> T {
    r.unwrap_or_else(|e| {
        eprintln!("{what}: {e:?}");
        std::process::exit(1)
    })
}

fn name(base: &str, part: &str) -> ServiceName {
    must("name", ServiceName::new(&format!("{base}/{part}")))
}

impl Link {
    fn subscribe(&mut self, base: &str, part: &str, t: &Terms) {
        let service = self.topic(base, part, t);
        self.subscriber = Some(must("subscriber", service.subscriber_builder().create()));
        if t.sleeps != 0 {
            self.listener = Some(self.listen(base, part));
        }
    }

    fn publish(&mut self, base: &str, part: &str, t: &Terms, readers: usize) {
        let service = self.topic(base, part, t);
        let p = service
            .publisher_builder()
            .initial_max_slice_len(t.words)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered);
        self.publisher = Some(must("publisher", p.create()));
        if t.sleeps != 0 {
            self.notifier = Some(self.notify(base, part));
        }
        while service.dynamic_config().number_of_subscribers() < readers {
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Some(p) = &self.publisher {
            must("connect", p.update_connections());
        }
    }

    /// Connects a stream's subscriber to its publishers: what fills the buffer of one that is not connected yet is dropped, whatever
    /// the strategy.
    fn connect(&self, base: &str, part: &str, t: &Terms) {
        let service = self.topic(base, part, t);
        while service.dynamic_config().number_of_publishers() < t.producers {
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Some(s) = &self.subscriber {
            must("connect", s.update_connections());
        }
    }

    fn topic(&self, base: &str, part: &str, t: &Terms) -> iceoryx2::service::port_factory::publish_subscribe::PortFactory<S, Words, ()> {
        let b = self.node.service_builder(&name(base, part)).publish_subscribe::<Words>();
        let b = b.enable_safe_overflow(false).subscriber_max_buffer_size(t.buffer).history_size(0);
        must("topic", b.max_publishers(t.producers.max(2)).max_subscribers(t.readers.max(2)).open_or_create())
    }

    fn listen(&self, base: &str, part: &str) -> Listener<S> {
        let e = must("event", self.node.service_builder(&name(base, part)).event().open_or_create());
        must("listener", e.listener_builder().create())
    }

    fn notify(&self, base: &str, part: &str) -> Notifier<S> {
        let e = must("event", self.node.service_builder(&name(base, part)).event().open_or_create());
        must("notifier", e.notifier_builder().create())
    }

    fn converse(&mut self, base: &str, t: &Terms, asks: bool) {
        let b = self.node.service_builder(&name(base, "service")).request_response::<Words, Words>();
        let service = must("service", b.open_or_create());
        let (own, other) = if asks { ("replies", "requests") } else { ("requests", "replies") };
        if asks {
            while service.dynamic_config().number_of_servers() == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            self.client = Some(must("client", service.client_builder().initial_max_slice_len(t.words).create()));
        } else {
            self.server = Some(must("server", service.server_builder().initial_max_slice_len(t.words).create()));
        }
        if t.sleeps != 0 {
            self.listener = Some(self.listen(base, own));
            self.notifier = Some(self.notify(base, other));
        }
    }

    /// What is there, without waiting.
    fn poll(&mut self, most: usize) -> usize {
        let mut n = 0;
        while n < most {
            if let Some(s) = &self.subscriber {
                match must("receive", s.receive()) {
                    Some(m) => unsafe { peer_take(m.payload().as_ptr().cast(), m.payload().len() * 8) },
                    None => return n,
                }
            } else if let Some(s) = &self.server {
                match must("receive", s.receive()) {
                    Some(r) => {
                        unsafe { peer_take(r.payload().as_ptr().cast(), r.payload().len() * 8) };
                        self.active = Some(r);
                    }
                    None => return n,
                }
            } else {
                let Some(p) = &self.pending else { return n };
                match must("receive", p.receive()) {
                    Some(r) => unsafe { peer_take(r.payload().as_ptr().cast(), r.payload().len() * 8) },
                    None => return n,
                }
                self.pending = None;
            }
            n += 1;
        }
        n
    }
}

/// # Safety
/// The name is a string that ends with 0.
#[no_mangle]
pub unsafe extern "C" fn peer_open(role: c_int, at: *const c_char, t: &Terms) -> *mut Link {
    set_log_level(LogLevel::Error);
    let base = must("name", CStr::from_ptr(at).to_str());
    let node = must("node", NodeBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled).create::<S>());
    let mut l = Box::new(Link {
        words: t.words,
        pending: None,
        active: None,
        publisher: None,
        subscriber: None,
        client: None,
        server: None,
        notifier: None,
        listener: None,
        node,
    });
    match role {
        PRODUCE => l.publish(base, "there", t, t.readers),
        CONSUME => {
            l.subscribe(base, "there", t);
            l.connect(base, "there", t);
        }
        PING => {
            l.subscribe(base, "back", t);
            l.publish(base, "there", t, 1);
        }
        3 => {
            l.subscribe(base, "there", t);
            l.publish(base, "back", t, 1);
        }
        _ => l.converse(base, t, role == ASK),
    }
    Box::into_raw(l)
}

/// Sends a message, a request, or the reply to the request that was read last.
#[no_mangle]
pub extern "C" fn peer_send(l: &mut Link, tag: u64, stamp: u64) {
    if let Some(p) = &l.publisher {
        let mut m = must("loan", p.loan_slice_uninit(l.words));
        unsafe { peer_fill(m.payload_mut().as_mut_ptr().cast(), tag, stamp) };
        must("send", unsafe { m.assume_init() }.send());
    } else if let Some(c) = &l.client {
        let mut m = must("loan", c.loan_slice_uninit(l.words));
        unsafe { peer_fill(m.payload_mut().as_mut_ptr().cast(), tag, stamp) };
        l.pending = Some(must("send", unsafe { m.assume_init() }.send()));
    } else if let Some(a) = l.active.take() {
        let mut m = must("loan", a.loan_slice_uninit(l.words));
        unsafe { peer_fill(m.payload_mut().as_mut_ptr().cast(), tag, stamp) };
        must("send", unsafe { m.assume_init() }.send());
    }
    if let Some(n) = &l.notifier {
        must("notify", n.notify());
    }
}

/// Gives what is there, at most so many; one who sleeps waits for the next notification.
#[no_mangle]
pub extern "C" fn peer_receive(l: &mut Link, most: usize, patience_ms: c_int) -> usize {
    let n = l.poll(most);
    if n > 0 {
        return n;
    }
    let Some(listener) = &l.listener else { return 0 };
    must("wait", listener.timed_wait(|_| {}, Duration::from_millis(patience_ms as u64)));
    l.poll(most)
}

/// # Safety
/// The link comes from peer_open and is not used again.
#[no_mangle]
pub unsafe extern "C" fn peer_close(l: *mut Link) {
    drop(Box::from_raw(l));
}
