"""Publishers."""

from __future__ import annotations

import asyncio
import enum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple, Type

from . import _native
from ._library import check, encode, ffi, lib
from .address import Address
from .errors import FullError, TimedOutError
from .topic import TopicInfo, topic_info

if TYPE_CHECKING:
    from .builder import SlotBuilder
    from .domain import Domain

# How many seconds a task that waits for room sleeps before it looks again: from the first to the longest.
_FIRST_NAP, _LONGEST_NAP = 0.0002, 0.005


class Content(enum.IntEnum):
    """What a payload is."""

    RAW = 0
    FIELDS = 1
    FLAT_BUFFER = 2


class Publisher(_native.Writer):
    """One publisher of one topic. Domain.publisher opens it. It is a context manager: the end of
    the block closes it.

    publish copies a message into the ring; with `with publisher.claim(size) as data:` the message
    is written in place. Waiting for room releases the GIL.

    For one thread at a time; any thread may call close.
    """

    __slots__ = ("_domain", "_topic", "__weakref__")

    _domain: "Domain"
    _topic: str

    @property
    def topic(self) -> str:
        """Its topic."""
        return self._topic

    def builder(self, timeout: Optional[float] = None, *, schema: int = 0) -> "SlotBuilder":
        """Claims a slot and returns a FlatBuffers builder that writes into it, a context manager.
        Finish the buffer within the block: the end of the block sends it where it lies; an exception
        gives it up. Needs the package flatbuffers."""
        from .builder import SlotBuilder

        return SlotBuilder(self.claim(None, timeout), schema)

    async def publish_async(
        self,
        data: "_native.Buffer",
        timeout: Optional[float] = None,
        *,
        content: int = 0,
        schema: int = 0,
        timestamp_ns: int = 0,
    ) -> None:
        """Like publish, but a task that waits for room lets others run. If it is cancelled, nothing
        was sent."""
        loop = asyncio.get_running_loop()
        end = None if timeout is None else loop.time() + timeout
        nap = _FIRST_NAP
        while True:
            try:
                return self.publish(data, 0, content=content, schema=schema, timestamp_ns=timestamp_ns)
            except FullError:
                if timeout == 0:
                    raise
            rest = nap if end is None else end - loop.time()
            if rest <= 0:
                raise TimedOutError(f"publish: no room within {timeout} s")
            await asyncio.sleep(min(nap, rest))
            nap = min(2 * nap, _LONGEST_NAP)

    def info(self) -> TopicInfo:
        """Describes the ring that it uses now."""
        return topic_info(lib.rc_publisher_info, self._cdata())

    @property
    def source(self) -> Address:
        """The address that its messages bear."""
        return self._source()[0]

    @property
    def sequence(self) -> int:
        """The sequence of its last message."""
        return self._source()[1]

    def _source(self) -> Tuple[Address, int]:
        a, sequence = ffi.new("struct rc_address *"), ffi.new("uint64_t *")
        check(lib.rc_publisher_source(self._cdata(), a, sequence))
        return Address(a.node, a.epoch, a.generation, a.index, a.handle), int(sequence[0])

    def _cdata(self) -> Any:
        return ffi.cast("rc_publisher *", self._handle)

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ringcast.Publisher of {self._topic!r}{', closed' if self.closed else ''}>"


def open_publisher(domain: "Domain", topic: str, config: Dict[str, Any]) -> Publisher:
    """Opens one; config has the fields of rc_publisher_config."""
    opened = ffi.new("rc_publisher **")
    check(lib.rc_publisher_open(domain._open(), encode(topic, "topic"), ffi.new("rc_publisher_config *", config), opened))
    p = Publisher(int(ffi.cast("uintptr_t", opened[0])), int(ffi.cast("uintptr_t", domain._ref)))
    p._domain, p._topic = domain, topic
    domain._children.add(p)
    return p
