"""A domain, and this process in it."""

from __future__ import annotations

import enum
import os
import time
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, Dict, Iterable, Optional, Type, Union

from . import _native
from ._library import check, encode, ffi, lib, readable
from .address import Address
from .asking import LONGEST, Answers, Open, Pending, Reply, To, address_of, name_of, nanoseconds, start_of
from .errors import ClosedError, InstanceDiedError, InvalidError, NodeDownError, NotAddressedError
from .presence import PresenceKind, Watch, wait_for_subscribers
from .publisher import Publisher, open_publisher
from .replies import Replies
from .service import Handler, Service, open_service
from .subscription import Reading, Subscription, open_inbox, open_subscription
from .topic import RingKind, RingMode


if TYPE_CHECKING:
    from ._native import Buffer


class Wait(enum.IntEnum):
    """How to wait: BLOCK spins for up to 200 us, then sleeps; SPIN never sleeps; YIELD gives up
    the core between looks."""

    BLOCK = 0
    SPIN = 1
    YIELD = 2


_Child = Union[Publisher, Subscription, Open, Service, Watch]
"""What may be open in a domain."""


class Domain:
    """A domain of this node, and this process in it: one participant.

    Opening joins the domain, makes its directory if it is missing, and takes back what dead
    participants held. It may block for 200 ms. A Domain is a context manager: the end of the
    block closes it.

    Any number of threads may use it at once.

    dir: directory that holds the domains; None: RINGCAST_SHM_DIR, else the user's in /dev/shm.
    domain: which one. name: what this process is called in lists, at most 64 bytes; None: the
    program's name. node: asks for this node id; 0: what the directory has. mode, owner, group:
    rights of a domain made here. wait: how its publishers and subscriptions wait. in_flight: how
    many requests may be open at once, at most 49152 (default 96). inbox_slot_size: bytes of the
    largest answer, or message, to this process (default 2048). memory: how the pages of rings are
    had, such as "prefault" or "prefault,huge,numa=0+2"; None: what RINGCAST_MEMORY says.
    """

    __slots__ = ("_ref", "_pointer", "_name", "_children", "_replies", "_end", "__weakref__")

    def __init__(
        self,
        domain: str = "default",
        *,
        dir: Optional[str] = None,
        name: Optional[str] = None,
        node: int = 0,
        mode: int = 0,
        owner: Optional[str] = None,
        group: Optional[str] = None,
        wait: Wait = Wait.BLOCK,
        in_flight: int = 0,
        inbox_slot_size: int = 0,
        memory: Optional[str] = None,
    ) -> None:
        given = {"domain": domain, "dir": dir, "name": name, "owner": owner, "group": group, "memory": memory}
        texts = {k: ffi.new("char[]", encode(v, k)) for k, v in given.items() if v is not None}
        config = ffi.new("rc_config *", {"node": node, "mode": mode, "wait": int(wait), "in_flight": in_flight, "inbox_slot_size": inbox_slot_size, **texts})
        opened = ffi.new("rc_domain **")
        check(lib.rc_domain_open(config, opened))
        self._pointer = opened[0]
        self._ref = lib.rcpy_domain_new(self._pointer)
        if self._ref == ffi.NULL:
            lib.rc_domain_close(self._pointer)
            raise MemoryError
        self._name = domain
        self._children: "weakref.WeakSet[_Child]" = weakref.WeakSet()
        self._replies = Replies(self)
        self._end = weakref.finalize(self, _close, self._ref, self._children)
        _open_domains.add(self)

    def publisher(
        self,
        topic: str,
        *,
        slots: int = 0,
        slot_size: int = 0,
        mode: Optional[RingMode] = None,
        kind: Optional[RingKind] = None,
        history: int = 0,
        schema: int = 0,
        timestamps: bool = False,
        owner: Optional[str] = None,
        group: Optional[str] = None,
        file_mode: int = 0,
        stall_budget: float = 0.0,
    ) -> Publisher:
        """Opens a topic for publishing, and waits for those who subscribed before: at most a
        second for the forwarder, if one runs, and 200 ms for subscriptions to patterns.

        What is not given asks for nothing: the ring is taken as it is, or made with the default.
        slots: messages in the ring, a power of two from 4 (latest: 64) to 2**20; default 1024, or
        with slots above 16 KiB as many as carry 16 MiB together, at least 64. slot_size: bytes of
        payload in a slot, at most 16 MiB (default 2048). history: how many messages back a
        subscription may start, at most half of the slots. schema: low half of the hash of the
        payloads' schema. timestamps: puts the wall clock into every message. owner, group,
        file_mode: rights to the topic; with 0o640 the owner publishes and the group subscribes.
        stall_budget: seconds for which a reliable subscription may hold publishers up before it is put
        out and told what it missed, 0.1 to 3600 (default 0.5).

        Raises ShapeError if the topic was written in another shape; PermissionDeniedError if it was
        written with rights other than those asked for, or if this process has none;
        NotExclusiveError.
        """
        config: Dict[str, Any] = {"slots": slots, "slot_size": slot_size, "mode": int(mode or 0), "kind": int(kind or 0)}
        config.update(history=history, schema=schema, timestamps=timestamps, file_mode=file_mode, stall_budget_ms=round(stall_budget * 1000))
        rights = {"owner": owner, "group": group}
        config.update({k: ffi.new("char[]", encode(v, k)) for k, v in rights.items() if v is not None})
        return open_publisher(self, topic, config)

    def subscribe(
        self,
        topic: str,
        *,
        reading: Optional[Reading] = None,
        group: Optional[str] = None,
        history: int = 0,
        local_only: bool = False,
        copies: bool = False,
    ) -> Subscription:
        """Subscribes to a topic, making its ring if it does not exist, or to all topics that match
        a pattern (`*` is one token, a last `>` the rest). Once it has returned, every message
        published from then on comes, or its loss is told.

        reading: RELIABLE holds publishers up, within its stall budget of 500 ms; LATEST holds
        nobody up and misses what it is too slow for. group: name of a queue group; each message
        goes to one of its members, and is in that member's hand until its next step, release or
        close, which say that it was handled. history: how many messages back to start. local_only:
        does not ask other nodes. copies: gives each message bytes of its own, which stay.
        """
        if reading is None:
            reading = Reading.GROUP if group is not None else Reading.RELIABLE
        config: Dict[str, Any] = {"reading": int(reading), "local_only": local_only, "history": history}
        return open_subscription(self, topic, config, group, copies)

    def request(
        self,
        to: To,
        data: "Buffer" = b"",
        timeout: Optional[float] = 10.0,
        *,
        idempotent: bool = False,
        content: int = 0,
        schema: int = 0,
    ) -> Reply:
        """Asks any one instance of a service, or the participant of an address, and waits for the
        answer. Waiting releases the GIL; Ctrl-C ends it, and gives the request up.

        timeout: the request's own time, in seconds, at most 1800 (None means that); it travels with
        the request. idempotent: it may run twice, so it is sent again if its instance dies or its
        node goes down.

        Raises NoServiceError, OverloadedError, GoneError, NoInboxError, NodeDownError and
        TooLargeError at once, and it did not run; ReplyError, NoReplyError and ReplyTooLargeError
        after it ran. After InstanceDiedError and TimedOutError nobody knows whether it ran.
        """
        end = time.monotonic() + (LONGEST if timeout is None else timeout)
        while True:  # one time, however often it is sent
            pending = self.ask(to, data, timeout, content=content, schema=schema)
            with pending:
                try:
                    return pending.result()
                except (InstanceDiedError, NodeDownError) as error:
                    timeout = end - time.monotonic()
                    elsewhere = isinstance(to, str) or isinstance(error, InstanceDiedError)
                    if not idempotent or not elsewhere or timeout <= 0:
                        raise

    def ask(
        self,
        to: To,
        data: "Buffer" = b"",
        timeout: Optional[float] = 10.0,
        *,
        wait: Optional[float] = None,
        content: int = 0,
        schema: int = 0,
    ) -> Pending:
        """Sends a request as Domain.request does, without waiting: `await` what it returns, or take
        its result(). in_flight of them may be open; one more waits here until one ends, at most
        `wait` seconds (None: `timeout`), then FullError."""
        ask = _ask(timeout, content, schema)
        return Pending(self, start_of(self, "request", to, data), ask, _patience(timeout if wait is None else wait))

    def stream(
        self, service: str, data: "Buffer" = b"", timeout: Optional[float] = 10.0, *, content: int = 0, schema: int = 0
    ) -> Answers:
        """Sends a request that takes many answers: iterate over what it returns. Leaving the loop
        gives up the rest."""
        return Answers(self, start_of(self, "stream", service, data), _ask(timeout, content, schema), _patience(timeout))

    def survey(
        self,
        topic: str,
        data: "Buffer" = b"",
        timeout: Optional[float] = 10.0,
        *,
        quorum: int = 0,
        content: int = 0,
        schema: int = 0,
    ) -> Answers:
        """Publishes a question on a topic. All who subscribe may answer (Domain.answer). The answers
        come until all have answered or are gone, `quorum` of them have answered, or the time is over
        (TimedOutError)."""
        ask = _ask(timeout, content, schema, quorum=quorum)
        return Answers(self, start_of(self, "survey", topic, data), ask, _patience(timeout))

    def send(self, to: To, data: "Buffer" = b"") -> None:
        """Puts a message into the inbox of a participant, or hands it to any one instance of a
        service. No answer comes. Never waits. Raises NoServiceError, OverloadedError, GoneError,
        NoInboxError, NodeDownError, TooLargeError: nothing was sent."""
        with readable(data) as payload:
            if isinstance(to, str):
                check(lib.rc_send_service(self._open(), name_of(to), payload, len(payload)))
            else:
                check(lib.rc_send(self._open(), address_of(to), payload, len(payload)))

    def inbox(self, *, copies: bool = False) -> Subscription:
        """Opens the inbox of this process: what others send to its address. The first call makes it.
        Read it like any subscription; if message.is_request, somebody waits for Domain.answer. Only
        one may be open."""
        return open_inbox(self, copies)

    def answer(self, request: _native.Message, data: "Buffer" = b"") -> None:
        """Answers a request that came to the inbox, or a survey on a topic. Never waits; the message
        may be a copy. Nothing happens if the asker is gone."""
        with readable(data) as payload:
            check(lib.rc_answer(self._open(), _block_of(request), payload, len(payload)))

    def answer_error(self, request: _native.Message, text: str, code: int = 0) -> None:
        """Answers with an error: the asker gets ReplyError."""
        check(lib.rc_answer_error(self._open(), _block_of(request), code, encode(text, "text")))

    def serve(
        self,
        name: str,
        handler: Optional[Handler] = None,
        *,
        concurrency: int = 1,
        queue: int = 0,
        slot_size: int = 0,
        owner: Optional[str] = None,
        group: Optional[str] = None,
        file_mode: int = 0,
    ) -> Service:
        """Serves a name, as one more instance of it. Instances of one name, in any process and
        language, share its requests: each takes the next when it has room.

        handler: answers with what it returns, or through the request. It runs in `concurrency`
        threads or, if it is a coroutine function, in the running event loop. None: take requests
        with Service.next, or by iterating. queue: how many requests may wait, for all instances, a
        power of two from 4 to 2**20 (default 256). slot_size: bytes of the largest request (default
        2048). owner, group, file_mode: who may call (write) and see (read) the service.

        Raises NameKindError, ShapeError, PermissionDeniedError.
        """
        config: Dict[str, Any] = {"concurrency": concurrency, "queue": queue, "slot_size": slot_size, "file_mode": file_mode}
        rights = {"owner": owner, "group": group}
        config.update({k: ffi.new("char[]", encode(v, k)) for k, v in rights.items() if v is not None})
        return open_service(self, name, handler, config)

    def watch(self, kinds: Iterable[PresenceKind] = (), name: Optional[str] = None, *, once: bool = False) -> Watch:
        """Watches who is there: the present state comes first, then each change once. A death is told
        within milliseconds.

        kinds: what to tell of; none: all. name: only publishers, subscribers and instances whose
        name or pattern has a name in common with this one. once: only the present state.
        """
        return Watch(self, kinds, name, once)

    def wait_for_subscribers(self, topic: str, count: int = 1, timeout: Optional[float] = None) -> int:
        """Waits until a topic has this many subscriptions, those of matching patterns and of other
        nodes included, and returns how many it has; TimedOutError when the time is up. Use it if the
        first message must not be missed."""
        return wait_for_subscribers(self, topic, count, timeout)

    def wait(self, subscriptions: Iterable[Subscription], timeout: Optional[float] = None) -> Optional[Subscription]:
        """Waits until one of several subscriptions of this domain has something, and returns that
        one; None when the time is up. The search begins after the one that was ready last. All wait
        in one place, whatever their number, without the GIL. The call is a step of each of them, and
        no other thread may use them meanwhile."""
        self._open()
        found = _native.wait_any(subscriptions, timeout)
        return found if isinstance(found, Subscription) else None

    def counter(self, label: str) -> "Counter":
        """Opens a counter in a file that tools read while the program runs. label is a dotted
        name, a colon, and what it counts, at most 48 bytes. The same label is the same counter. A
        domain has at most 256."""
        counter = ffi.new("uint64_t **")
        check(lib.rc_counter_open(self._open(), encode(label, "label"), counter))
        return Counter(self, label, counter[0])

    @property
    def address(self) -> Address:
        """The address of this participant."""
        a = ffi.new("struct rc_address *")
        check(lib.rc_domain_address(self._open(), a))
        return Address(a.node, a.epoch, a.generation, a.index, a.handle)

    @property
    def directory(self) -> str:
        """The domain's directory."""
        return str(ffi.string(lib.rc_domain_directory(self._open())).decode("utf-8", "surrogateescape"))

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return not self._end.alive

    def close(self) -> None:
        """Closes its publishers and subscriptions, and leaves the domain. May be called any number of
        times."""
        self._end()

    def _open(self) -> Any:
        if not self._end.alive:
            raise ClosedError("the domain is closed")
        return self._pointer

    def __enter__(self) -> "Domain":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ringcast.Domain {self._name!r}{', closed' if self.closed else ''}>"


class Counter:
    """A counter that all threads of this process share and that tools may read. Any number of
    threads may use it."""

    __slots__ = ("_domain", "_label", "_at")

    def __init__(self, domain: Domain, label: str, at: Any) -> None:
        self._domain = domain
        self._label = label
        self._at = at

    def add(self, n: int = 1) -> None:
        """Adds n to the counter."""
        self._domain._open()
        lib.rc_counter_add(self._at, n)

    @property
    def value(self) -> int:
        """Its present value."""
        self._domain._open()
        return int(self._at[0])

    def __repr__(self) -> str:
        return f"<ringcast.Counter {self._label!r}>"


def _ask(timeout: Optional[float], content: int, schema: int, *, quorum: int = 0) -> Dict[str, Any]:
    if quorum < 0:
        raise InvalidError(f"quorum {quorum}: want how many answers are enough, or 0 for all")
    return {"timeout": nanoseconds(timeout), "content": content, "schema": schema, "quorum": quorum}


def _patience(timeout: Optional[float]) -> float:
    return float("inf") if timeout is None else timeout


def _block_of(request: _native.Message) -> Any:
    block = request._block
    if block is None:
        raise NotAddressedError("the message is no request: nobody waits for an answer")
    own = ffi.new("struct rc_address_block *")
    ffi.memmove(own, block, len(block))
    return own


# Whose views a forked child must not use.
_open_domains: "weakref.WeakSet[Domain]" = weakref.WeakSet()


def _forked() -> None:
    """In a child: what was lent to the parent, or claimed by it, no longer works here."""
    for domain in list(_open_domains):
        for child in list(domain._children):
            child._blind()


os.register_at_fork(after_in_child=_forked)


def _close(ref: Any, children: "weakref.WeakSet[_Child]") -> None:
    for child in list(children):
        child.close()
    lib.rcpy_domain_drop(ref)
