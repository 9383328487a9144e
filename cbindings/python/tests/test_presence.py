"""Who is there, and who comes and goes."""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

import ringcast
from ringcast import PresenceKind, PresenceReason

from conftest import PATIENCE


def test_an_instance_comes_and_goes(directory, domain):
    with domain.watch([PresenceKind.INSTANCE], "here.*") as watch:
        with pytest.raises(ringcast.TimedOutError):
            watch.next(0)  # nobody serves yet
        with ringcast.Domain(dir=directory, name="other") as other:
            with other.serve("elsewhere", lambda r: None), other.serve("here.too", lambda r: None, concurrency=3):
                e = watch.next(PATIENCE)
                assert (e.kind, e.up, e.first, e.name, e.program, e.address, e.limit) == (
                    PresenceKind.INSTANCE, True, False, "here.too", "other", other.address, 3,
                )
            e = watch.next(PATIENCE)
            assert (e.up, e.reason, e.name) == (False, PresenceReason.LEFT, "here.too")
        with pytest.raises(ringcast.TimedOutError):
            watch.next(0.01)
    with pytest.raises(ringcast.ClosedError):
        watch.next(0)


def test_a_death(directory, domain):
    text = "import ringcast, time\nd = ringcast.Domain(name='frail')\nprint('up', flush=True)\ntime.sleep(1000)"
    with domain.watch([PresenceKind.PARTICIPANT]) as watch:
        assert watch.next(PATIENCE).address == domain.address
        frail = subprocess.Popen([sys.executable, "-c", text], env={**os.environ, "RINGCAST_SHM_DIR": directory}, stdout=subprocess.PIPE)
        try:
            assert frail.stdout.readline() == b"up\n"
            assert str(watch.next(PATIENCE)).startswith("up participant frail, n")
            frail.send_signal(signal.SIGKILL)
            e = watch.next(PATIENCE)
            assert (e.up, e.reason, e.name) == (False, PresenceReason.DIED, "frail")
        finally:
            frail.kill()
            frail.wait()
            frail.stdout.close()


def test_a_listing(domain):
    with domain.publisher("orders.eu"), domain.subscribe("orders.>"), domain.watch(name="orders.eu", once=True) as listing:
        found = {(e.kind, e.name) for e in listing if e.kind > PresenceKind.PARTICIPANT}
        assert found == {(PresenceKind.PUBLISHER, "orders.eu"), (PresenceKind.SUBSCRIBER, "orders.>")}


def test_in_an_event_loop(directory, domain):
    async def main():
        with domain.watch([PresenceKind.INSTANCE]) as watch:
            with ringcast.Domain(dir=directory) as other:
                with other.serve("x", lambda r: None):
                    assert (await watch.__anext__()).up
                assert not (await watch.__anext__()).up

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_wait_for_subscribers(domain):
    with pytest.raises(ringcast.TimedOutError):
        domain.wait_for_subscribers("quotes.x", 1, 0.01)
    opened = []
    t = threading.Timer(0.05, lambda: opened.append(domain.subscribe("quotes.*")))
    t.start()
    assert domain.wait_for_subscribers("quotes.x", 1, PATIENCE) == 1
    t.join()


def test_closed_under_who_waits(domain):
    failed = []
    watch = domain.watch([PresenceKind.INSTANCE])

    def wait():
        try:
            watch.next(PATIENCE)
        except ringcast.ClosedError as error:
            failed.append(error)

    t = threading.Thread(target=wait)
    t.start()
    t.join(0.02)
    watch.close()
    t.join(PATIENCE)
    assert failed and watch.closed
