"""Answers in an event loop: one descriptor for all requests of a domain."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Dict, Optional

from ._library import check, ffi, lib

if TYPE_CHECKING:
    from .domain import Domain


class Replies:
    """Makes the event loops in which tasks wait for answers read them when they come."""

    __slots__ = ("_pointer", "_fd", "_waiting", "_lock", "__weakref__")

    def __init__(self, domain: "Domain") -> None:
        self._pointer: Any = domain._pointer
        self._fd: Optional[int] = None
        self._waiting: Dict[asyncio.AbstractEventLoop, int] = {}
        self._lock = threading.Lock()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """One more task of this loop waits."""
        with self._lock:
            if self._fd is None:
                fd = ffi.new("int *")
                check(lib.rc_replies_fd(self._pointer, fd))
                self._fd = int(fd[0])
            waiting = self._waiting.get(loop, 0)
            self._waiting[loop] = waiting + 1
            if waiting == 0:
                loop.add_reader(self._fd, self._readable)

    def unwatch(self, loop: asyncio.AbstractEventLoop) -> None:
        """One task less."""
        with self._lock:
            left = self._waiting.pop(loop, 1) - 1
            if left > 0:
                self._waiting[loop] = left
            elif self._fd is not None and not loop.is_closed():
                loop.remove_reader(self._fd)

    def _readable(self) -> None:
        lib.rc_replies_dispatch(self._pointer, 0, ffi.NULL)
