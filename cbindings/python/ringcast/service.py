"""Services: requests, and what answers them."""

from __future__ import annotations

import asyncio
import inspect
import threading
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Dict, List, Optional, Set, Tuple, Type, Union

from ._library import check, encode, ffi, lib, readable
from .address import Address
from .errors import CanceledError, ClosedError, FullError, OneReplyError, ReplyError, TimedOutError
from .readable import Readable

if TYPE_CHECKING:
    from ._native import Buffer
    from .domain import Domain

_NOTHING, _FULL, _TIMED_OUT, _END = 1, 2, 3, 4

# How often, in nanoseconds, a worker that waits looks whether its service is closed.
_SLICE = 500_000_000
# How many seconds a task that waits for its asker to take answers sleeps before it looks again: from the first to the
# longest.
_FIRST_NAP, _LONGEST_NAP = 0.0002, 0.005


class Request:
    """A request that this process has in hand. Each of reply, fail and drop ends it; until then it
    counts as one of the service's `concurrency`. Any thread may answer."""

    __slots__ = ("data", "source", "schema", "content", "one_way", "streams", "_service", "_task", "__weakref__")

    def __init__(self, service: "Service", task: Any) -> None:
        a = task.source
        self.data: bytes = bytes(ffi.buffer(task.data, task.size)) if task.size else b""
        self.source = Address(a.node, a.epoch, a.generation, a.index, a.handle)
        self.schema: int = task.schema
        self.content: int = task.content
        self.one_way: bool = task.one_way
        self.streams: bool = task.streams
        self._service = service
        self._task: Any = task

    @property
    def open(self) -> bool:
        """Whether it is still unanswered."""
        return self._task is not None

    @property
    def time_left(self) -> float:
        """Seconds that it has left."""
        return float(lib.rc_task_time_left(self._mine())) / 1e9

    def wanted(self) -> bool:
        """Whether somebody still waits for the answer. Ask now and then in long work."""
        return int(lib.rc_task_wanted(self._mine())) == 0

    def mark(self, content: int = 0, schema: int = 0) -> None:
        """Sets what its further answers are: Content, and the low half of their schema's hash."""
        lib.rc_task_mark(self._mine(), content, schema)

    def reply(self, data: "Buffer" = b"") -> None:
        """Answers, and ends the request. Never waits. ReplyTooLargeError or TooLargeError: the answer
        does not fit the inbox of the asker, who is told."""
        with readable(data) as payload:  # before it is taken: what can't be sent leaves the request open
            check(lib.rc_task_reply(self._taken(), payload, len(payload)))

    def fail(self, text: str, code: int = 0) -> None:
        """Answers with an error of your own, and ends the request: the asker gets ReplyError."""
        words = encode(text.replace("\0", " "), "text")
        check(lib.rc_task_fail(self._taken(), code, words))

    def drop(self) -> None:
        """Ends the request without an answer: the asker gets NoReplyError. May be called any number of
        times."""
        if self._task is not None:
            lib.rc_task_drop(self._taken())

    def more(self, data: "Buffer", timeout: Optional[float] = None) -> None:
        """Sends one of many answers; the request goes on. Waits while the asker has not taken the last
        15. CanceledError: nobody wants more. OneReplyError: the asker takes one answer."""
        left = self.time_left if timeout is None else timeout
        with readable(data) as payload:
            code = lib.rc_task_more(self._mine(), payload, len(payload), max(0, int(left * 1e9)))
        if code in (_FULL, _TIMED_OUT):
            raise TimedOutError("the asker does not take what was sent")
        check(code)

    async def more_async(self, data: "Buffer") -> None:
        """Does the same in an event loop."""
        nap = _FIRST_NAP
        while True:
            try:
                return self.more(data, 0)
            except (FullError, TimedOutError):
                if self.time_left <= 0:
                    raise
            await asyncio.sleep(nap)
            nap = min(2 * nap, _LONGEST_NAP)

    def _mine(self) -> Any:
        if self._task is None:
            raise ClosedError("the request was answered, or its service is closed")
        return self._task

    def _taken(self) -> Any:
        task, self._task = self._mine(), None
        self._service._open_requests.discard(self)
        return task

    def __repr__(self) -> str:
        return f"<ringcast.Request of {self.source}: {len(self.data)} bytes{'' if self.open else ', ended'}>"


Handler = Callable[[Request], Union[None, "Buffer", Awaitable[Union[None, "Buffer"]]]]
"""Answers a request, with what it returns or by the request's methods. A coroutine function runs in
the event loop. An exception is an answer, too: ReplyError with its code, others with code 0."""


class Service:
    """One instance of a service. Domain.serve opens it. It is a context manager: the end of the
    block stops it, and loses nothing."""

    __slots__ = ("_domain", "_name", "_pointer", "_lock", "_open_requests", "_workers", "_tasks", "_readable", "_limit", "__weakref__")

    def __init__(self, domain: "Domain", name: str, config: Dict[str, Any]) -> None:
        opened = ffi.new("rc_service **")
        check(lib.rc_service_open(domain._open(), encode(name, "name"), ffi.new("rc_service_config *", config), opened))
        lib.rcpy_domain_hold(domain._ref)
        self._domain, self._name, self._pointer = domain, name, opened[0]
        self._lock = threading.Lock()
        self._open_requests: "weakref.WeakSet[Request]" = weakref.WeakSet()
        self._workers: List[threading.Thread] = []
        self._tasks: "Set[asyncio.Task[None]]" = set()
        self._readable: Optional[Readable] = None
        self._limit = int(config["concurrency"]) or 1
        domain._children.add(self)

    @property
    def name(self) -> str:
        """The name that it serves."""
        return self._name

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._pointer is None

    def next(self, timeout: Optional[float] = None) -> Optional[Request]:
        """Takes the next request; None if the service was stopped and nothing is left. TimedOutError
        when the time is up. For services without a handler; any number of threads may take."""
        rest = None if timeout is None else int(timeout * 1e9)
        while True:
            step = _SLICE // 10 if rest is None else min(rest, _SLICE // 10)
            code, request = self._take(step)
            if request is not None or code == _END:
                return request
            if rest is not None:
                rest -= step
                if rest <= 0:
                    raise TimedOutError("no request came")

    def __iter__(self) -> "Service":
        return self

    def __next__(self) -> Request:
        request = self.next()
        if request is None:
            raise StopIteration
        return request

    def __aiter__(self) -> "Service":
        return self

    async def __anext__(self) -> Request:
        while True:
            code, request = self._take(0)
            if request is not None:
                return request
            if code == _END:
                raise StopAsyncIteration
            if self._readable is None:
                fd = ffi.new("int *")
                check(lib.rc_service_fd(self._mine(), fd))
                self._readable = Readable(int(fd[0]))
            await self._readable.wait()

    def stop(self) -> None:
        """Tells callers at once that it is going, and finishes what is in hand. What waits it leaves to
        the other instances, or serves if there are none. Waits for its threads; a service without a
        handler goes on until `next` returns None. May be called any number of times."""
        if self._pointer is not None:
            check(lib.rc_service_stop(self._pointer))
        if self._workers and threading.current_thread() not in self._workers:
            for worker in self._workers:
                worker.join()
            self.close()

    async def stop_async(self) -> None:
        """Does the same for a service whose handler is a coroutine function."""
        if self._pointer is not None:
            check(lib.rc_service_stop(self._pointer))
        if self._readable is not None:
            self._readable._wake()
        while self._tasks:
            await asyncio.wait(self._tasks)
        self.close()

    def close(self) -> None:
        """Ends the service: what is in hand gets no answer. May be called any number of times."""
        with self._lock:
            pointer, self._pointer = self._pointer, None
        if pointer is None:
            return
        lib.rc_service_stop(pointer)
        for worker in self._workers:
            if worker is not threading.current_thread():
                worker.join()
        for task in list(self._tasks):
            task.get_loop().call_soon_threadsafe(task.cancel)
        if self._readable is not None:
            self._readable.close()
        for request in list(self._open_requests):
            request.drop()
        lib.rc_service_close(pointer)
        lib.rcpy_domain_drop(self._domain._ref)

    def _blind(self) -> None:
        """In a forked child: it is the parent's."""
        self._pointer, self._workers = None, []

    def _mine(self) -> Any:
        if self._pointer is None:
            raise ClosedError("the service is closed")
        return self._pointer

    def _take(self, ns: int) -> Tuple[int, Optional[Request]]:
        """Returns a code, and the request if there is one."""
        taken = ffi.new("rc_task **")
        pointer = self._mine()
        code = lib.rc_service_poll(pointer, taken) if ns == 0 else lib.rc_service_wait(pointer, ns, taken)
        if code < 0:
            check(code)
        if code != 0:
            return code, None
        request = Request(self, taken[0])
        self._open_requests.add(request)
        return code, request

    def _begin(self, handler: Handler) -> None:
        if inspect.iscoroutinefunction(handler):
            loop = asyncio.get_running_loop()
            self._keep(loop.create_task(self._attend(handler)))
            return
        for i in range(self._limit):
            worker = threading.Thread(target=self._work, args=(handler,), name=f"ringcast {self._name} {i}", daemon=True)
            self._workers.append(worker)
            worker.start()

    def _work(self, handler: Handler) -> None:
        pointer = self._pointer
        taken = ffi.new("rc_task **")
        while pointer is not None:
            code = lib.rc_service_wait(pointer, _SLICE, taken)
            if code == 0:
                request = Request(self, taken[0])
                self._open_requests.add(request)
                _answer(handler, request)
                del request
            elif code not in (_NOTHING, _TIMED_OUT):
                return

    async def _attend(self, handler: Handler) -> None:
        try:
            async for request in self:
                self._keep(asyncio.get_running_loop().create_task(_answer_async(handler, request)))
        except ClosedError:
            pass

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def __enter__(self) -> "Service":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._workers:
            self.stop()
        self.close()

    async def __aenter__(self) -> "Service":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.stop_async()

    def __repr__(self) -> str:
        return f"<ringcast.Service {self._name!r}{', closed' if self.closed else ''}>"


def _answer(handler: Handler, request: Request) -> None:
    try:
        result: Any = handler(request)
    except Exception as error:
        _failed(request, error)
    else:
        _finish(request, result)


async def _answer_async(handler: Handler, request: Request) -> None:
    try:
        result: Any = await handler(request)  # type: ignore[misc]
    except Exception as error:
        _failed(request, error)
    except BaseException:
        request.drop()
        raise
    else:
        _finish(request, result)


def _finish(request: Request, result: Any) -> None:
    """Answers with what the handler returned, if it did not answer itself."""
    if not request.open:
        return
    if result is None:
        return request.drop()
    try:
        request.reply(result)
    except Exception as error:
        _failed(request, error)


def _failed(request: Request, error: Exception) -> None:
    if not request.open or isinstance(error, CanceledError):
        return request.drop()
    code, text = (error.reply_code, error.text) if isinstance(error, ReplyError) else (0, str(error) or type(error).__name__)
    try:
        request.fail(text, code)
    except Exception:
        request.drop()


def open_service(domain: "Domain", name: str, handler: Optional[Handler], config: Dict[str, Any]) -> Service:
    """Opens one, and lets the handler answer its requests."""
    if handler is not None and not callable(handler):
        raise TypeError(f"handler: a function of a request is required, not {type(handler).__name__!r}")
    service = Service(domain, name, config)
    if handler is not None:
        try:
            service._begin(handler)
        except BaseException:
            service.close()
            raise
    return service
