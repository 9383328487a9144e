"""Events: what happened to a stream, at its place among the messages. There is no silent gap."""

from __future__ import annotations

from typing import Optional

from .address import Address


class Event:
    """What a stream has in place of messages. New versions may bring new subclasses."""

    __slots__ = ("topic", "position", "source")

    def __init__(self, topic: str, position: int, source: Address) -> None:
        self.topic = topic
        self.position = position
        self.source = source


class Lagged(Event):
    """This reader was too slow, or away: `count` positions from `first` on passed it by. That is
    an upper bound of messages; the sequences of what follows say exactly which were missed."""

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
    """The slot at `position` has impossible bytes; reading goes on after it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<ringcast.Damaged on {self.topic!r}: the slot of position {self.position}>"


class Abandoned(Event):
    """A member of the queue group is gone, with message `sequence` of `source` in hand. Nobody
    knows whether it was handled; it is not handed out again. `taker` is the member."""

    __slots__ = ("sequence", "taker")

    def __init__(self, topic: str, position: int, source: Address, sequence: int, taker: Address) -> None:
        super().__init__(topic, position, source)
        self.sequence = sequence
        self.taker = taker

    def __repr__(self) -> str:
        return f"<ringcast.Abandoned on {self.topic!r}: message {self.sequence} of {self.source}, by {self.taker}>"


def event_of(
    kind: int,
    topic: str,
    position: int,
    first: int,
    last: int,
    count: int,
    reason: int,
    source: Address,
    sequence: int,
    taker: Address,
) -> Optional[Event]:
    """Returns the event of an rc_type; None for one that this version does not know."""
    if kind == 1:
        return Lagged(topic, position, source, first, count)
    if kind == 2:
        return Loss(topic, position, source, first, last, count, reason)
    if kind == 3:
        return Damaged(topic, position, source)
    if kind == 6:
        return Abandoned(topic, position, source, sequence, taker)
    return None
