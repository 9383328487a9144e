"""Subscriptions."""

from __future__ import annotations

import asyncio
import enum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Optional, Type, Union

from . import _native
from ._library import check, encode, ffi, lib
from .events import Event
from .readable import Readable
from .topic import TopicInfo, topic_info

if TYPE_CHECKING:
    from .domain import Domain

Item = Union[_native.Message, Event]
"""What a stream contains."""

# A task that always finds something lets others run after this many.
_TURN = 64


class Reading(enum.IntEnum):
    """How a subscription reads: holding publishers up (RELIABLE), holding nobody up (LATEST), or
    sharing the messages with the other members of a queue group (GROUP)."""

    RELIABLE = 0
    LATEST = 1
    GROUP = 2


class Subscription(_native.Reader):
    """One subscription of one topic, or of a pattern. Domain.subscribe opens it. It is a context
    manager: the end of the block closes it.

    It yields messages and events: `for item in subscription`, `async for item in subscription`,
    next(timeout) and poll(). Each step ends the lease of the message before. Waiting releases the
    GIL.

    For one thread at a time; any thread may call close, which ends a wait with ClosedError.
    """

    __slots__ = ("_domain", "_topic", "_readable", "_in_turn", "__weakref__")

    _domain: "Domain"
    _topic: str
    _readable: Optional[Readable]
    _in_turn: int

    @property
    def topic(self) -> str:
        """The topic, or the pattern."""
        return self._topic

    def messages(self, on_event: Callable[[Event], object]) -> Iterator[_native.Message]:
        """Iterates over the messages only, and calls on_event for each event between them."""
        for item in self:
            if isinstance(item, _native.Message):
                yield item
            else:
                on_event(item)

    def fileno(self) -> int:
        """Returns a descriptor for event loops and select, readable when the subscription should be
        polled. Then poll until None: that clears it. It may be readable without a message. The first
        call starts one thread for the whole domain. Do not close the descriptor."""
        fd = ffi.new("int *")
        check(lib.rc_subscription_fd(self._cdata(), fd))
        return int(fd[0])

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Item:
        """Returns the next message or event. Cancelling the wait loses nothing."""
        self._in_turn += 1
        if self._in_turn >= _TURN:
            self._in_turn = 0
            await asyncio.sleep(0)
        item = self.poll()
        while item is None:
            self._in_turn = 0
            if self._readable is None:
                self._readable = Readable(self.fileno())
            await self._readable.wait()
            item = self.poll()
        return item

    def close(self) -> None:
        """Ends the subscription. Any thread may call it, any number of times; a thread or task that
        waits gets ClosedError. Memory that a view still looks at stays mapped until the view is
        gone."""
        readable, self._readable = self._readable, None
        if readable is not None:
            readable.close()
        super().close()

    def info(self) -> TopicInfo:
        """Describes the ring that it uses now; InvalidError for a pattern."""
        return topic_info(lib.rc_subscription_info, self._cdata())

    def _cdata(self) -> Any:
        return ffi.cast("rc_subscription *", self._handle)

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ringcast.Subscription to {self._topic!r}{', closed' if self.closed else ''}>"


def open_subscription(
    domain: "Domain", topic: str, config: Dict[str, Any], group: Optional[str], copies: bool
) -> Subscription:
    """Opens one; config has the fields of rc_subscription_config, except the group."""
    opened, name = ffi.new("rc_subscription **"), None
    if group is not None:
        name = ffi.new("char[]", encode(group, "group"))
        config["group"] = name
    c = ffi.new("rc_subscription_config *", config)
    check(lib.rc_subscription_open(domain._open(), encode(topic, "topic"), c, opened))
    return _made(domain, topic, opened[0], copies, group is not None)


def open_inbox(domain: "Domain", copies: bool) -> Subscription:
    """Opens the inbox of the process."""
    opened = ffi.new("rc_subscription **")
    check(lib.rc_inbox_open(domain._open(), opened))
    return _made(domain, f"inbox of {domain.address}", opened[0], copies, False)


def _made(domain: "Domain", topic: str, handle: Any, copies: bool, group: bool) -> Subscription:
    s = Subscription(int(ffi.cast("uintptr_t", handle)), int(ffi.cast("uintptr_t", domain._ref)), copies, group)
    s._domain, s._topic, s._readable, s._in_turn = domain, topic, None, 0
    domain._children.add(s)
    return s
