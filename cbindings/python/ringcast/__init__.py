"""Ringcast: messages between processes of one node through shared memory.

A topic is a named stream: one ring in a mapped file. A publisher claims a slot, writes the
message there, and commits it; a subscription reads it where it lies. The other end may be
written in any language.

    import ringcast

    with ringcast.Domain() as domain, domain.publisher("prices") as prices:
        prices.publish(b"17")

    with ringcast.Domain() as domain, domain.subscribe("prices") as prices:
        for item in prices:
            if isinstance(item, ringcast.Message):
                print(bytes(item))

    with ringcast.Domain() as domain, domain.serve("upper", lambda request: request.data.upper()):
        ...
    with ringcast.Domain() as domain:
        print(domain.request("upper", b"hello").data)

Leases: a message lies in the ring until the next step of its subscription. After that its
`data` raises ValueError; bytes(message) and message.copy() keep it.

Time is in seconds: 0 does not wait, None waits without end. Waiting releases the GIL, and
Ctrl-C ends it.

Threads: any number of threads may use a Domain. A Publisher, a Subscription, and what
Domain.ask, stream, survey and watch return are each for one thread at a time; a second one
gets ThreadError, and nothing happens. Any thread may call close.

fork: a child process cannot use the handles of its parent: every call raises ForkedError.
It opens a Domain of its own.
"""

from . import _library as _library  # first: it makes the types of _native
from ._native import Message, Slot
from .address import Address
from .asking import Answers, Pending, Reply
from .domain import Counter, Domain, Wait
from .errors import (
    BadNameError,
    BufferTooSmallError,
    BusyError,
    CanceledError,
    ClosedError,
    DamagedError,
    DomainFullError,
    Error,
    FencedError,
    ForkedError,
    FullError,
    GoneError,
    GroupFullError,
    InUseError,
    InstanceDiedError,
    InvalidError,
    LeaseError,
    ModeError,
    NameKindError,
    NoInboxError,
    NoMemoryError,
    NoReplyError,
    NoServiceError,
    NoSpaceError,
    NodeDownError,
    NotAddressedError,
    NotExclusiveError,
    NotFoundError,
    NotOursError,
    OneReplyError,
    OtherVersionError,
    OverloadedError,
    PermissionDeniedError,
    ReadersFullError,
    ReplyError,
    ReplyTooLargeError,
    ShapeError,
    StalledError,
    SystemCallError,
    ThreadError,
    TimedOutError,
    TooLargeError,
    UnsupportedError,
)
from .events import Abandoned, Damaged, Event, Lagged, Loss
from .names import matches
from .presence import Presence, PresenceKind, PresenceReason, Watch
from .publisher import Content, Publisher
from .service import Request, Service
from .subscription import Item, Reading, Subscription
from .topic import RingKind, RingMode, TopicInfo

__version__ = "0.1.0.dev0"

__all__ = [
    "Abandoned",
    "Address",
    "Answers",
    "BadNameError",
    "BufferTooSmallError",
    "BusyError",
    "CanceledError",
    "ClosedError",
    "Content",
    "Counter",
    "Damaged",
    "DamagedError",
    "Domain",
    "DomainFullError",
    "Error",
    "Event",
    "FencedError",
    "ForkedError",
    "FullError",
    "GoneError",
    "GroupFullError",
    "InUseError",
    "InstanceDiedError",
    "InvalidError",
    "Item",
    "Lagged",
    "LeaseError",
    "Loss",
    "Message",
    "ModeError",
    "NameKindError",
    "NoInboxError",
    "NoMemoryError",
    "NoReplyError",
    "NoServiceError",
    "NoSpaceError",
    "NodeDownError",
    "NotAddressedError",
    "NotExclusiveError",
    "NotFoundError",
    "NotOursError",
    "OneReplyError",
    "OtherVersionError",
    "OverloadedError",
    "Pending",
    "PermissionDeniedError",
    "Presence",
    "PresenceKind",
    "PresenceReason",
    "Publisher",
    "ReadersFullError",
    "Reading",
    "Reply",
    "ReplyError",
    "ReplyTooLargeError",
    "Request",
    "RingKind",
    "RingMode",
    "Service",
    "ShapeError",
    "Slot",
    "StalledError",
    "Subscription",
    "SystemCallError",
    "ThreadError",
    "TimedOutError",
    "TooLargeError",
    "TopicInfo",
    "UnsupportedError",
    "Wait",
    "Watch",
    "matches",
]
