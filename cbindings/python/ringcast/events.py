"""Events: what happened in a stream, at its place among the messages. There is no silent gap."""

from __future__ import annotations

from typing import Callable, Dict, Optional

from .address import Address


class Event:
    """What happened in a stream instead of messages. New versions may bring new subclasses."""

    __slots__ = ("topic", "position", "source")

    def __init__(self, topic: str, position: int, source: Address) -> None:
        self.topic = topic
        self.position = position
        self.source = source


class Lagged(Event):
    """This reader was too slow, or away: `count` positions from `first` on passed it by. That
    is an upper bound of messages; sequences tell exactly."""

    __slots__ = ("first", "count")

    def __init__(self, topic: str, position: int, source: Address, first: int, count: int) -> None:
        super().__init__(topic, position, source)
        self.first = first
        self.count = count

    def __repr__(self) -> str:
        return f"<ringcast.Lagged on {self.topic!r}: at most {self.count} messages missed from position {self.first} on>"


class Loss(Event):
    """Messages `first` to `last` of `source`, `count` of them, will not come: another node lost
    them. `reason` is one of ringcast.fb.LossReason."""

    __slots__ = ("first", "last", "count", "reason")

    def __init__(
        self, topic: str, position: int, source: Address, first: int, last: int, count: int, reason: int
    ) -> None:
        super().__init__(topic, position, source)
        self.first = first
        self.last = last
        self.count = count
        self.reason = reason

    def __repr__(self) -> str:
        return f"<ringcast.Loss on {self.topic!r}: {self.first} to {self.last} of {self.source}, reason {self.reason}>"


class Damaged(Event):
    """The slot at `position` has impossible bytes; reading goes on behind it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<ringcast.Damaged on {self.topic!r}: the slot of position {self.position}>"


class Abandoned(Event):
    """A member of the queue group died with messages in hand: `first` to `last` of `source`,
    `count` of them. It may have worked on them, or not."""

    __slots__ = ("first", "last", "count")

    def __init__(self, topic: str, position: int, source: Address, first: int, last: int, count: int) -> None:
        super().__init__(topic, position, source)
        self.first = first
        self.last = last
        self.count = count

    def __repr__(self) -> str:
        return f"<ringcast.Abandoned on {self.topic!r}: {self.first} to {self.last} of {self.source}>"


_Made = Callable[[str, int, Address, int, int, int, int], Event]

_BY_TYPE: Dict[int, _Made] = {
    1: lambda topic, position, source, first, last, count, reason: Lagged(topic, position, source, first, count),
    2: lambda topic, position, source, first, last, count, reason: Loss(
        topic, position, source, first, last, count, reason
    ),
    3: lambda topic, position, source, first, last, count, reason: Damaged(topic, position, source),
    6: lambda topic, position, source, first, last, count, reason: Abandoned(
        topic, position, source, first, last, count
    ),
}


def event_of(
    kind: int, topic: str, position: int, first: int, last: int, count: int, reason: int, source: Address
) -> Optional[Event]:
    """Returns the event of an rc_type; None for one that this version does not know."""
    made = _BY_TYPE.get(kind)
    return made(topic, position, source, first, last, count, reason) if made is not None else None
