"""Answers requests, in threads or in an event loop: serve.py NAME [--async]"""

import asyncio
import signal
import sys
import threading

import ringcast


def upper(request: ringcast.Request) -> bytes:
    if not request.data:
        raise ringcast.ReplyError("say something", 22)  # the caller gets the text and the code
    return request.data.upper()


async def upper_async(request: ringcast.Request) -> bytes:
    await asyncio.sleep(0)  # whatever it waits for, others are served meanwhile
    return upper(request)


def serve(name: str) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ringcast.Domain() as domain, domain.serve(name, upper, concurrency=4):
        print(f"serving {name}", file=sys.stderr, flush=True)
        stop.wait()  # the end of the block loses no request


async def serve_async(name: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with ringcast.Domain() as domain:
        async with domain.serve(name, upper_async, concurrency=100):
            print(f"serving {name}", file=sys.stderr, flush=True)
            await stop.wait()


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    elif len(sys.argv) == 3 and sys.argv[2] == "--async":
        asyncio.run(serve_async(sys.argv[1]))
    else:
        sys.exit(f"usage: {sys.argv[0]} NAME [--async]")
