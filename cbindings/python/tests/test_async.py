"""Subscriptions and publishers in an event loop."""

import asyncio
import threading
import time

import pytest

import ringcast

from conftest import PATIENCE


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, PATIENCE))


def test_async_for(pair):
    s, p = pair

    async def main():
        async def publish():
            for i in range(500):
                await p.publish_async(b"%d" % i)
                if i % 50 == 0:
                    await asyncio.sleep(0.001)

        task = asyncio.ensure_future(publish())
        got = []
        async for m in s:
            got.append(bytes(m))
            if len(got) == 500:
                break
        await task
        return got

    assert run(main()) == [b"%d" % i for i in range(500)]


def test_from_another_thread(pair):
    """A message that comes while the loop sleeps wakes it."""
    s, p = pair

    def publish():
        for i in range(20):
            time.sleep(0.005)
            p.publish(b"%d" % i)

    t = threading.Thread(target=publish)

    async def main():
        t.start()
        return [bytes(await s.__anext__()) for _ in range(20)]

    assert run(main()) == [b"%d" % i for i in range(20)]
    t.join()


def test_several_at_once(domain):
    async def read(topic, n):
        with domain.subscribe(topic) as s:
            ready.append(topic)
            return [bytes(await s.__anext__()) for _ in range(n)]

    ready = []

    async def main():
        readers = [asyncio.ensure_future(read(f"t.{i % 3}", 50)) for i in range(9)]
        while len(ready) < len(readers):
            await asyncio.sleep(0)
        publishers = [domain.publisher(f"t.{i}") for i in range(3)]
        for n in range(50):
            for i, p in enumerate(publishers):
                await p.publish_async(b"%d %d" % (i, n))
        return await asyncio.gather(*readers)

    for i, got in enumerate(run(main())):
        assert got == [b"%d %d" % (i % 3, n) for n in range(50)]


def test_cancelled_and_gone_on(pair):
    s, p = pair

    async def main():
        for i in range(10):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(s.__anext__(), 0.001)
            p.publish(b"%d" % i)
            assert bytes(await s.__anext__()) == b"%d" % i

    run(main())


def test_another_loop(pair):
    s, p = pair

    async def one(n):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(s.__anext__(), 0.001)
        p.publish(b"%d" % n)
        return bytes(await s.__anext__())

    assert [run(one(i)) for i in range(3)] == [b"0", b"1", b"2"]


def test_a_busy_topic_lets_others_run(pair):
    s, p = pair
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def main():
        task = asyncio.ensure_future(count())
        for _ in range(500):
            p.publish(b"x")
        for _ in range(500):
            await s.__anext__()
        task.cancel()

    run(main())
    assert turns >= 5


def test_closed_while_a_task_waits(pair):
    s, _ = pair

    async def main():
        task = asyncio.ensure_future(s.__anext__())
        await asyncio.sleep(0.01)
        s.close()
        with pytest.raises(ringcast.ClosedError):
            await task

    run(main())


def test_a_task_waits_for_room(domain):
    with domain.subscribe("f") as s, domain.publisher("f", slots=64) as p:

        async def main():
            for i in range(64):
                await p.publish_async(b"%d" % i)
            with pytest.raises(ringcast.FullError):
                await p.publish_async(b"", 0)
            with pytest.raises(ringcast.TimedOutError):
                await p.publish_async(b"", timeout=0.01)
            task = asyncio.ensure_future(p.publish_async(b"64"))
            await asyncio.sleep(0.005)
            assert not task.done()
            cancelled = asyncio.ensure_future(p.publish_async(b"never"))
            await asyncio.sleep(0.002)
            cancelled.cancel()
            got = [bytes(await s.__anext__()) for _ in range(65)]
            await task
            assert got == [b"%d" % i for i in range(65)] and s.poll() is None

        run(main())
