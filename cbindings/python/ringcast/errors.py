"""Exceptions: one for each result of the library that is not success, and three of the
binding's own. Each says what happened, and what to do."""

from __future__ import annotations

from typing import Dict, Optional, Type


class Error(Exception):
    """The base of all errors. `code` is the rc_code, None for an error of this binding; `detail`
    says what happened, `advice` what to do."""

    code: Optional[int] = None
    advice: str = ""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return "; ".join(part for part in (self.detail, self.advice) if part)


class FullError(Error):
    """There is no room in the ring; nothing was sent."""

    code = 2
    advice = "no room: the slowest reliable subscription is a ring behind; wait, with a timeout, or drop the message"


class TimedOutError(Error, TimeoutError):
    """The time was up before a message, room or an answer came. Nothing was sent or taken. Unless
    the detail says otherwise, nobody knows whether a request ran."""

    code = 3
    advice = "the time is up: give it more, or see with `ringcast ls` who is there and who is behind"


class InvalidError(Error, ValueError):
    """An argument or a configuration that makes no sense."""

    code = -1


class BadNameError(Error, ValueError):
    """Not a name of a topic or a domain, or not a pattern."""

    code = -2


class SystemCallError(Error, OSError):
    """A system call failed; the detail has its error."""

    code = -3


class PermissionDeniedError(Error, PermissionError):
    """No rights to a file, or somebody else's directory."""

    code = -4


class NoSpaceError(Error, OSError):
    """The file system is full."""

    code = -5
    advice = "make room in the file system, or ask for a smaller ring (slots, slot_size)"


class NoMemoryError(Error, MemoryError):
    """There is no memory for a handle."""

    code = -6


class NotFoundError(Error, FileNotFoundError):
    """There is no such file."""

    code = -7


class NotOursError(Error):
    """A file that is not Ringcast's stands in the place of one of its own."""

    code = -8
    advice = "use another directory, or move the file away"


class OtherVersionError(Error):
    """Another version of Ringcast uses this directory."""

    code = -9
    advice = "use another directory, or run programs of one version"


class DamagedError(Error):
    """A file, or a ring, with impossible content."""

    code = -10
    advice = "end the programs that use it, remove the file and start them again"


class InUseError(Error):
    """Somebody holds the file and does not let go."""

    code = -11
    advice = "try again"


class DomainFullError(Error):
    """No participant record is free."""

    code = -12
    advice = "end other programs of the domain, or use another domain"


class ReadersFullError(Error):
    """No entry of the ring is free: it has as many readers as it takes."""

    code = -13
    advice = "end other subscriptions of the topic"


class ShapeError(Error):
    """The topic was written in another shape than the one asked for; the detail names both."""

    code = -14


class NotExclusiveError(Error):
    """Another living publisher owns the exclusive topic."""

    code = -15
    advice = "close the other publisher, or use RingKind.SHARED"


class TooLargeError(Error, ValueError):
    """Larger than the topic takes; the detail names a shape that would do."""

    code = -16


class FencedError(Error):
    """The claim was held for too long and was taken; nothing was sent."""

    code = -17
    advice = "publish it again, and fill a slot within 50 ms"


class StalledError(Error):
    """Every slot is held by somebody who does not move."""

    code = -18
    advice = "look for stopped programs with `ringcast ls`"


class BusyError(Error):
    """A claim is open, or views of earlier messages take a quarter of the ring."""

    code = -19
    advice = "end the claim; let go (del) of slices and arrays of earlier messages, or copy them"


class BufferTooSmallError(Error):
    """The message does not fit into a buffer. This binding never meets it: it allocates."""

    code = -20
    advice = "use a larger buffer"


class ForkedError(Error):
    """The handle belongs to the parent process."""

    code = -21
    advice = "a forked child opens a Domain of its own; multiprocessing has the start method spawn, too"


class UnsupportedError(Error):
    """Known, but not built yet."""

    code = -22


class ModeError(Error):
    """A queue group needs a reliable topic; this one is of mode latest."""

    code = -23
    advice = "a group wants a topic of mode reliable"


class GroupFullError(Error):
    """The queue group has as many members as it can have."""

    code = -24
    advice = "end other members, or use another group"


class NoServiceError(Error):
    """No instance answers to the name: the request did not run."""

    code = -25
    advice = "start an instance, or look for the name with `ringcast services`"


class OverloadedError(Error):
    """A queue or an inbox is full; the detail says which. The request did not run."""

    code = -26
    advice = "try again later, or start more instances"


class InstanceDiedError(Error):
    """Whoever had the request in hand is gone: nobody knows whether it ran."""

    code = -27
    advice = "ask again if it may run twice (idempotent=True does)"


class GoneError(Error):
    """The participant of that address is gone, and its address never comes back."""

    code = -28
    advice = "ask its service for another address"


class NoInboxError(Error):
    """The participant has opened no inbox."""

    code = -29
    advice = "it opens one with Domain.inbox()"


class NodeDownError(Error):
    """The other node does not answer, or no forwarder runs here."""

    code = -30
    advice = "start ringcastd, or look with `ringcast nodes`"


class NoReplyError(Error):
    """The handler ended without an answer."""

    code = -31


class ReplyTooLargeError(Error):
    """The answer does not fit this process's inbox."""

    code = -32
    advice = "open the Domain with a larger inbox_slot_size"


class OneReplyError(Error):
    """The asker takes only one answer."""

    code = -33
    advice = "answer with reply; who asks for many uses Domain.stream"


class NotAddressedError(Error, ValueError):
    """The message is no request: nobody waits for an answer."""

    code = -34


class ReplyError(Error):
    """The handler's own error, with its text and a code of its own.

    Raise it in a handler to answer with it.
    """

    code = -35

    def __init__(self, text: str = "", reply_code: int = 0) -> None:
        super().__init__(text)
        self.reply_code = reply_code
        self.text = text

    def __str__(self) -> str:
        return f"{self.text} (code {self.reply_code})" if self.reply_code else self.text


class CanceledError(Error):
    """The request was given up."""

    code = -36


class NameKindError(Error, ValueError):
    """The name is a topic where a service is asked for, or the other way round."""

    code = -37


class ClosedError(Error, ValueError):
    """The handle is closed."""

    advice = "open another"


class LeaseError(Error, BufferError):
    """Memory of the ring that was given back, or that can't be given back yet."""


class ThreadError(Error, RuntimeError):
    """Another thread is in a call of this handle; nothing happened."""

    advice = "give each thread a handle of its own"


_BY_CODE: Dict[int, Type[Error]] = {c.code: c for c in Error.__subclasses__() if c.code is not None}
_BY_CODE.update({-1001: ClosedError, -1002: LeaseError, -1003: ThreadError})


def error_of(code: int, detail: str) -> Error:
    """Returns the exception for a code of the library, or of the extension."""
    found = _BY_CODE.get(code)
    if found is not None:
        return found(detail)
    unknown = Error(detail or f"unknown code {code}")
    unknown.code = code
    return unknown
