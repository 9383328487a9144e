"""The shape and state of a topic's ring."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

from ._library import check, ffi


class RingMode(enum.IntEnum):
    """Whether reliable subscriptions hold publishers up (RELIABLE), or nobody does (LATEST)."""

    RELIABLE = 1
    LATEST = 2


class RingKind(enum.IntEnum):
    """How many publishers write at a time: any number (SHARED), or one (EXCLUSIVE), which is faster."""

    SHARED = 1
    EXCLUSIVE = 2


class TopicInfo(NamedTuple):
    """The shape of a topic's ring, and what happened in it since it was made."""

    slots: int
    slot_size: int
    mode: int
    kind: int
    history: int
    message_limit: int
    """Bytes of the largest message."""
    tail: int
    """Positions claimed."""
    quarantined: int
    """Writers fenced."""
    recovered: int
    """Claims taken from the dead."""
    evicted: int
    """Readers put out."""
    damaged: int
    """Impossible words found."""


def topic_info(function: Any, handle: Any) -> TopicInfo:
    """Asks the library; function is rc_publisher_info or rc_subscription_info."""
    info = ffi.new("rc_topic_info *")
    check(function(handle, info))
    return TopicInfo(*(getattr(info, name) for name in TopicInfo._fields))
