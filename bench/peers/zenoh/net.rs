//! Zenoh between nodes, behind net.c: peers over TCP, which is what repairs loss there; the receivers
//! connect to the sender, without a router and without scouting. A publisher that waits instead of throwing away;
//! batches at full rate, express (sent at once) at a rate. Receivers read in Zenoh's own thread, as in its examples.
use crate::{await_partners, must, open_session, publisher};
use std::ffi::{c_char, c_int, CStr};
use std::sync::Mutex;
use zenoh::bytes::ZBytes;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::sample::Sample;
use zenoh::{Session, Wait};

extern "C" {
    /// Books a message: net.c.
    fn peer_book(at: *const u8, length: usize);
}

/// The books belong to whoever holds this.
static BOOKS: Mutex<()> = Mutex::new(());

#[repr(C)]
pub struct NetTerms {
    size: usize,
    receivers: usize,
    sends: c_int,
    express: c_int,
}

pub struct NetLink {
    size: usize,
    publisher: Option<Publisher<'static>>,
    _subscriber: Option<Subscriber<()>>,
    _alive: Option<zenoh::liveliness::LivelinessToken>,
    session: Session,
}

/// # Safety
/// Both addresses are strings that end with 0. A sender waits for its receivers.
#[no_mangle]
pub unsafe extern "C" fn peer_net_open(own: *const c_char, sender: *const c_char, t: &NetTerms) -> *mut NetLink {
    let (own, sender) = (must("address", CStr::from_ptr(own).to_str()), must("address", CStr::from_ptr(sender).to_str()));
    let at = format!("tcp/{sender}:7793");
    let session = if t.sends != 0 { open_session(Some(at), vec![], true) } else { open_session(None, vec![at], false) };
    let mut l = NetLink { size: t.size, publisher: None, _subscriber: None, _alive: None, session };
    if t.sends != 0 {
        l.publisher = Some(publisher(&l.session, "stream", t.express != 0));
        await_partners(&l.session, t.receivers);
    } else {
        let s = l.session.declare_subscriber("stream").callback(|m: Sample| {
            let bytes = m.payload().to_bytes();
            let _books = BOOKS.lock().unwrap();
            unsafe { peer_book(bytes.as_ptr(), bytes.len()) };
        });
        l._subscriber = Some(must("subscriber", s.wait()));
        l._alive = Some(must("sign of life", l.session.liveliness().declare_token(format!("alive/{own}")).wait()));
    }
    Box::into_raw(Box::new(l))
}

/// Sends a message that net.c writes.
#[no_mangle]
pub extern "C" fn peer_net_send(l: &mut NetLink, tag: u64, stamp: u64) {
    let mut v: Vec<u8> = Vec::with_capacity(l.size);
    unsafe {
        crate::peer_fill(v.as_mut_ptr(), tag, stamp);
        v.set_len(l.size);
    }
    if let Some(p) = &l.publisher {
        must("send", p.put(ZBytes::from(v)).wait());
    }
}

/// # Safety
/// The link comes from peer_net_open and is not used again.
#[no_mangle]
pub unsafe extern "C" fn peer_net_close(l: *mut NetLink) {
    must("close", Box::from_raw(l).session.close().wait());
}
