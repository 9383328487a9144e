"""Requests, streams and surveys: what was asked, and the answers as they come."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
import time
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Dict, NamedTuple, Optional, Tuple, Type, Union

from ._library import encode, ffi, lib, readable
from .address import Address
from .errors import ClosedError, Error, InvalidError, ReplyError, ThreadError, TimedOutError, error_of
from .replies import Replies

if TYPE_CHECKING:
    from ._native import Buffer
    from .domain import Domain

_NOTHING, _FULL, _TIMED_OUT, _END = 1, 2, 3, 4

# How often, in seconds, a thread that waits looks for signals, and whether somebody closes.
_SLICE = 0.05

LONGEST = 1800.0
"""The most that a request may take, in seconds."""

To = Union[str, Address]
"""Whom a request goes to: any one instance of a service, or one participant."""

# The text of an address: spec/segment.md, 10. Without the handle it could be a name, too.
_ADDRESS = re.compile(r"n(0|[1-9][0-9]*)-(0|[1-9a-f][0-9a-f]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(:[1-9][0-9]*)?")


# What is open, by numbers that are never used again: a dispatch in another thread may be about to tell of one that
# its own thread has closed.
_numbers = itertools.count(1)
_open_now: "weakref.WeakValueDictionary[int, Open]" = weakref.WeakValueDictionary()


class Reply(NamedTuple):
    """An answer: its bytes, who answered, what they are (Content), and the low half of the hash of
    their schema (0: unknown)."""

    data: bytes
    source: Address
    content: int
    schema: int


class Open:
    """An open request, stream or survey. For one thread, or task, at a time; any thread may call
    close."""

    __slots__ = ("_domain", "_replies", "_future", "_reply", "_number", "_gate", "_closing", "_waiter", "_ready_now", "__weakref__")

    def __init__(self, domain: "Domain", start: Callable[[Any, Any], int], ask: Dict[str, Any], patience: float) -> None:
        self._domain = domain
        self._replies: Replies = domain._replies
        self._gate = threading.Lock()
        self._closing = False
        self._waiter: Optional[Tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]] = None
        self._reply = ffi.new("rc_reply *")
        self._number = next(_numbers)
        self._future: Any = None
        opened = ffi.new("rc_future **")
        options = ffi.new("rc_ask *", {**ask, "ready": lib.rcpy_ready, "argument": ffi.cast("void *", self._number)})
        domain._open()
        lib.rcpy_domain_hold(domain._ref)
        try:
            _started(start, options, opened, patience)
        except BaseException:
            lib.rcpy_domain_drop(domain._ref)
            raise
        self._future = opened[0]
        _open_now[self._number] = self
        domain._children.add(self)

    def cancel(self) -> None:
        """Gives it up and tells whoever runs it. What came before may still be taken; then
        CanceledError."""
        with self._turn() as future:
            lib.rc_future_cancel(future)

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._future is None

    def close(self) -> None:
        """Gives up what is open, and frees it. Any thread may call it, any number of times."""
        self._closing = True
        if self._gate.acquire(False):
            try:
                self._end()
            finally:
                self._gate.release()
        waiter = self._waiter
        if waiter is not None:
            _wake(*waiter)

    def _blind(self) -> None:
        """In a forked child: it is the parent's."""
        self._gate = threading.Lock()

    def _turn(self) -> "_Turn":
        return _Turn(self)

    def _end(self) -> None:
        future, self._future = self._future, None
        if future is None:
            return
        _open_now.pop(self._number, None)
        lib.rc_future_close(future)
        lib.rc_reply_clear(self._reply)
        lib.rcpy_domain_drop(self._domain._ref)

    def _take(self, seconds: float) -> Optional[Reply]:
        """Returns the next answer; None if none came in time. Raises the outcome, and _Over at the end."""
        with self._turn() as future:
            code = lib.rc_future_wait(future, int(seconds * 1e9), self._reply)
            if code == 0:
                return _reply_of(self._reply)
            if code == _NOTHING:
                return None
            if code == _END:
                raise _Over
            raise _outcome(code, self._reply)

    def _wait(self, timeout: Optional[float]) -> Optional[Reply]:
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            rest = _SLICE if end is None else min(_SLICE, end - time.monotonic())
            got = self._take(max(0.0, rest))
            if got is not None or (end is not None and rest <= 0):
                return got

    async def _wait_async(self) -> Reply:
        """Returns the next answer, without a thread. Cancelling the wait loses nothing."""
        loop = asyncio.get_running_loop()
        self._replies.watch(loop)
        try:
            while True:
                waiter: "asyncio.Future[None]" = loop.create_future()
                self._waiter = (loop, waiter)
                got = self._take(0)
                if got is not None:
                    return got
                await waiter
        finally:
            self._waiter = None
            self._replies.unwatch(loop)

    def __enter__(self) -> "Open":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_future", None) is not None:
            self.close()


class _Over(Exception):
    """No more answers will come."""


class _Turn:
    """Lets one thread in at a time. A close that came meanwhile is carried out on the way out."""

    __slots__ = ("_of",)

    def __init__(self, of: Open) -> None:
        self._of = of

    def __enter__(self) -> Any:
        a = self._of
        if not a._gate.acquire(False):
            raise ThreadError("another thread is in a call of this request")
        if a._future is None or a._closing:
            a._gate.release()
            raise ClosedError("the request is closed")
        return a._future

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        a = self._of
        if a._closing:
            a._end()
        a._gate.release()


class Pending(Open):
    """One request that was sent: `result()` waits for its answer; in an event loop, `await` it. The
    outcome stays."""

    __slots__ = ("_outcome",)

    _outcome: Union[Reply, Error, None]

    def __enter__(self) -> "Pending":
        return self

    def done(self) -> bool:
        """Whether the outcome is there. Does not wait."""
        return self._settle(lambda: self._take(0))

    def result(self, timeout: Optional[float] = None) -> Reply:
        """Waits for the answer, and returns it or raises what the request ended with (the errors of
        Domain.request). TimedOutError also if `timeout` ran out first: then call result again."""
        if not self._settle(lambda: self._wait(timeout)):
            raise TimedOutError("no answer yet")
        return self._get()

    def __await__(self) -> Any:
        return self._await().__await__()

    async def _await(self) -> Reply:
        if getattr(self, "_outcome", None) is None:
            try:
                self._outcome = await self._wait_async()
            except ClosedError:
                raise
            except Error as error:
                self._outcome = error
            self.close()
        return self._get()

    def _settle(self, look: Callable[[], Optional[Reply]]) -> bool:
        if getattr(self, "_outcome", None) is not None:
            return True
        try:
            got: Union[Reply, Error, None] = look()
        except (ClosedError, ThreadError):
            raise
        except Error as error:
            got = error
        if got is None:
            return False
        self._outcome = got
        self.close()
        return True

    def _get(self) -> Reply:
        assert self._outcome is not None
        if isinstance(self._outcome, Error):
            raise self._outcome
        return self._outcome


class Answers(Open):
    """The answers of a stream or a survey, as they come: `for reply in answers`, or `async for`. The
    loop ends when no more will come, or raises what went wrong. A context manager."""

    __slots__ = ()

    def next(self, timeout: Optional[float] = None) -> Optional[Reply]:
        """Returns the next answer; None if no more will come. TimedOutError if `timeout` ran out
        first."""
        try:
            got = self._wait(timeout)
        except _Over:
            return None
        if got is None:
            raise TimedOutError("no answer yet")
        return got

    def __iter__(self) -> "Answers":
        return self

    def __next__(self) -> Reply:
        got = self.next()
        if got is None:
            raise StopIteration
        return got

    def __aiter__(self) -> "Answers":
        return self

    async def __anext__(self) -> Reply:
        try:
            return await self._wait_async()
        except _Over:
            raise StopAsyncIteration from None

    def __enter__(self) -> "Answers":
        return self


def _started(start: Callable[[Any, Any], int], options: Any, opened: Any, patience: float) -> None:
    """Starts it; waits as long as the domain allows no more to be open."""
    end = time.monotonic() + patience
    while True:
        code = start(options, opened)
        if code == 0:
            return
        if code != _FULL or time.monotonic() >= end:
            raise _outcome(code, None)
        time.sleep(0.0005)


def _reply_of(r: Any) -> Reply:
    a = r.source
    source = Address(a.node, a.epoch, a.generation, a.index, a.handle)
    return Reply(bytes(ffi.buffer(r.data, r.size)) if r.size else b"", source, r.content, r.schema)


def _outcome(code: int, reply: Any) -> Error:
    if code == ReplyError.code:
        text = bytes(ffi.buffer(reply.data, reply.size)).decode("utf-8", "replace") if reply.size else ""
        return ReplyError(text, int(reply.code))
    if code == _FULL:
        return error_of(code, "as many requests are open as the domain allows (in_flight)")
    if code == _TIMED_OUT:
        return error_of(code, "the request's time is over; nobody knows whether it ran")
    return error_of(code, ffi.string(lib.rc_error_detail()).decode("utf-8", "replace"))


def nanoseconds(timeout: Optional[float]) -> int:
    """Returns a request's time in nanoseconds."""
    seconds = LONGEST if timeout is None else timeout
    if not 0 < seconds <= LONGEST:
        raise InvalidError(f"a request's time of {seconds} s: want more than 0, at most {LONGEST:.0f} s")
    return max(1, int(seconds * 1e9))


def name_of(to: str) -> bytes:
    """Returns a service's name as the library takes it. The text of an address is not a name, nor is it to
    `ringcast call`."""
    if _ADDRESS.fullmatch(to):
        raise TypeError(f"to: an Address is required, not its text; read it: Address.parse({to!r})")
    return encode(to, "to")


def address_of(to: Address) -> Any:
    """Returns an address as the library takes it."""
    if not isinstance(to, Address):
        raise TypeError(f"to: a name (str) or an Address is required, not {type(to).__name__!r}")
    return ffi.new("struct rc_address *", dict(to._asdict()))


def start_of(domain: "Domain", how: str, to: To, data: "Buffer") -> Callable[[Any, Any], int]:
    """Returns the call that begins it."""
    by = {"request": (lib.rc_request_start, lib.rc_request_start_to), "stream": (lib.rc_stream_start, None), "survey": (lib.rc_survey_start, None)}
    named, addressed = by[how]
    if isinstance(to, str):
        call, target = named, name_of(to) if addressed else encode(to, "to")
    else:
        call, target = addressed, address_of(to)
    if call is None:
        raise InvalidError(f"a {how} goes to a name, not to {to}")

    def start(options: Any, opened: Any) -> int:
        with readable(data) as payload:
            return int(call(domain._open(), target, payload, len(payload), options, opened))

    return start


def _wake(loop: asyncio.AbstractEventLoop, waiter: "asyncio.Future[None]") -> None:
    """Lets a task go on, from any thread."""

    def done() -> None:
        if not waiter.done():
            waiter.set_result(None)

    if asyncio._get_running_loop() is loop:
        done()
    elif not loop.is_closed():
        loop.call_soon_threadsafe(done)


@ffi.def_extern()  # type: ignore[misc, untyped-decorator, unused-ignore]
def rcpy_ready(argument: Any, future: Any) -> None:
    """Called by rc_replies_dispatch: a future has something."""
    answers = _open_now.get(int(ffi.cast("uintptr_t", argument)))
    waiter = answers._waiter if answers is not None else None
    if waiter is not None:
        _wake(*waiter)
