"""A descriptor as something that tasks wait for."""

from __future__ import annotations

import asyncio
from typing import Optional, Set


class Readable:
    """Waits, in an event loop, until a descriptor is readable.

    The loop watches it from the first wait on, and stops when it is readable while nobody waits.
    So a stream that comes and goes costs no system call to watch.
    """

    __slots__ = ("_fd", "_loop", "_waiters")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._waiters: "Set[asyncio.Future[None]]" = set()

    async def wait(self) -> None:
        """Returns when the descriptor is readable, or was closed."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._forget()
            loop.add_reader(self._fd, self._ready)
            self._loop = loop
        waiter = loop.create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

    def close(self) -> None:
        """Wakes whoever waits. Does not close the descriptor."""
        self._forget()
        self._wake()

    def _ready(self) -> None:
        if not self._waiters:
            self._forget()
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _forget(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._fd)
