"""Presence: who is there, and who comes and goes."""

from __future__ import annotations

import enum
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Iterable, NamedTuple, Optional, Type

from ._library import check, encode, ffi, lib
from .address import Address
from .errors import ClosedError, ThreadError, TimedOutError
from .readable import Readable

if TYPE_CHECKING:
    from .domain import Domain

_NOTHING, _TIMED_OUT, _END = 1, 3, 4

# How often, in seconds, a thread that waits looks for signals, and whether somebody closes.
_SLICE = 0.05


class PresenceKind(enum.IntEnum):
    """What comes and goes."""

    NODE = 1
    """Another node, as this node's forwarder knows it."""
    PARTICIPANT = 2
    """A process in the domain."""
    PUBLISHER = 3
    """A participant that publishes a topic."""
    SUBSCRIBER = 4
    """A participant, or another node, that subscribes to a topic or a pattern."""
    INSTANCE = 5
    """A participant that serves a name."""


class PresenceReason(enum.IntEnum):
    """Why something is down."""

    NONE = 0
    """It is up."""
    LEFT = 1
    """It was closed, or its process left in order."""
    DIED = 2
    """Its process ended without leaving."""
    NODE_DOWN = 3
    """Its node is no longer heard, or has begun anew."""
    NO_FORWARDER = 4
    """No forwarder runs here, so nothing is known of others."""
    NODE_LEFT = 5
    """The forwarder of its node was stopped, and said so."""


class Presence(NamedTuple):
    """One change of who is there. kind; up; first: it was up already when watching began; reason: why
    it is down; name: of the node, participant, topic, pattern or service; program and version: the
    participant's; address: the participant's (for another node, only node and epoch); limit and room,
    of an instance: how many requests it runs at a time, and how many more it took when it said so."""

    kind: PresenceKind
    up: bool
    first: bool
    reason: PresenceReason
    name: str
    program: str
    version: str
    address: Address
    limit: int
    room: int

    def __str__(self) -> str:
        why = "" if self.up else f" ({self.reason.name.lower().replace('_', ' ')})"
        of = f" of {self.program}" if self.kind > PresenceKind.PARTICIPANT and self.program else ""
        return f"{'up' if self.up else 'down'} {self.kind.name.lower()} {self.name}{of}, {self.address}{why}"


class Watch:
    """The present state, then each change once: `for event in watch`, or `async for`. Domain.watch
    opens it. A context manager. For one thread at a time; any thread may call close."""

    __slots__ = ("_domain", "_pointer", "_event", "_gate", "_closing", "_readable", "__weakref__")

    def __init__(self, domain: "Domain", kinds: Iterable[PresenceKind], name: Optional[str], once: bool) -> None:
        opened = ffi.new("rc_watch **")
        config = {"kinds": sum({1 << PresenceKind(k) for k in kinds}), "once": once}
        text = None if name is None else ffi.new("char[]", encode(name, "name"))
        if text is not None:
            config["name"] = text
        check(lib.rc_watch_open(domain._open(), ffi.new("rc_watch_config *", config), opened))
        lib.rcpy_domain_hold(domain._ref)
        self._domain, self._pointer = domain, opened[0]
        self._event = ffi.new("rc_presence_event *")
        self._gate = threading.Lock()
        self._closing = False
        self._readable: Optional[Readable] = None
        domain._children.add(self)

    def next(self, timeout: Optional[float] = None) -> Optional[Presence]:
        """Returns the next event; None at the end of a listing. TimedOutError when the time is up."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            rest = _SLICE if end is None else min(_SLICE, end - time.monotonic())
            code = self._step(max(0.0, rest))
            if code == 0:
                return _presence(self._event)
            if code == _END:
                return None
            if end is not None and rest <= 0:
                raise TimedOutError("nobody came or went")

    def __iter__(self) -> "Watch":
        return self

    def __next__(self) -> Presence:
        event = self.next()
        if event is None:
            raise StopIteration
        return event

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> Presence:
        while True:
            code = self._step(0)
            if code == 0:
                return _presence(self._event)
            if code == _END:
                raise StopAsyncIteration
            if self._readable is None:
                fd = ffi.new("int *")
                check(lib.rc_watch_fd(self._pointer, fd))
                self._readable = Readable(int(fd[0]))
            await self._readable.wait()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._pointer is None

    def close(self) -> None:
        """Ends the watch. May be called any number of times; a thread or task that waits gets
        ClosedError."""
        self._closing = True
        if self._gate.acquire(False):
            try:
                self._end()
            finally:
                self._gate.release()

    def _blind(self) -> None:
        """In a forked child: it is the parent's."""
        self._gate = threading.Lock()

    def _step(self, seconds: float) -> int:
        if not self._gate.acquire(False):
            raise ThreadError("another thread is in a call of this watch")
        try:
            if self._pointer is None or self._closing:
                raise ClosedError("the watch is closed")
            code = int(lib.rc_watch_wait(self._pointer, int(seconds * 1e9), self._event))
            if code not in (_NOTHING, _TIMED_OUT, _END):
                check(code)
            return code
        finally:
            if self._closing:
                self._end()
            self._gate.release()

    def _end(self) -> None:
        pointer, self._pointer = self._pointer, None
        if pointer is None:
            return
        if self._readable is not None:
            self._readable.close()
        lib.rc_watch_close(pointer)
        lib.rcpy_domain_drop(self._domain._ref)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_pointer", None) is not None:
            self.close()


def wait_for_subscribers(domain: "Domain", topic: str, count: int, timeout: Optional[float]) -> int:
    """Waits until that many subscribe, in slices, so that Ctrl-C ends it."""
    end = None if timeout is None else time.monotonic() + timeout
    have = ffi.new("uint32_t *")
    while True:
        rest = _SLICE if end is None else min(_SLICE, end - time.monotonic())
        code = lib.rc_wait_for_subscribers(domain._open(), encode(topic, "topic"), count, max(0, int(rest * 1e9)), have)
        if code != _TIMED_OUT:
            check(code)
            return int(have[0])
        if end is not None and rest <= 0:
            raise TimedOutError(f"{have[0]} subscriptions of {topic!r}, {count} are wanted")


def _text(at: Any) -> str:
    return "" if at == ffi.NULL else bytes(ffi.string(at)).decode("utf-8", "replace")


def _presence(e: Any) -> Presence:
    a = e.address
    return Presence(
        PresenceKind(e.kind),
        bool(e.up),
        bool(e.first),
        PresenceReason(e.reason),
        _text(e.name),
        _text(e.program),
        _text(e.version),
        Address(a.node, a.epoch, a.generation, a.index, a.handle),
        int(e.limit),
        int(e.room),
    )
