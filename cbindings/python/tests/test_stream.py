"""Publishing and reading: what goes in comes out."""

import array
import gc
import glob
import os
import signal
import stat
import threading
import time

import pytest

import ringcast

from conftest import PATIENCE


@pytest.mark.parametrize("size", [0, 1, 63, 2048, 2049, 5000, 40000, 1 << 20])
def test_sizes(pair, size):
    s, p = pair
    data = bytes(i * 7 & 0xFF for i in range(size))
    p.publish(data)
    m = s.next(PATIENCE)
    assert isinstance(m, ringcast.Message)
    assert bytes(m) == data and len(m) == size and m.data.nbytes == size and m.data.readonly and m


@pytest.mark.parametrize("made", [bytes, bytearray, memoryview, lambda b: array.array("B", b), lambda b: memoryview(b)[::1]])
def test_anything_bytes_like(pair, made):
    s, p = pair
    p.publish(made(b"hello"))
    assert bytes(s.next(PATIENCE)) == b"hello"


def test_what_is_not_bytes_like(pair):
    _, p = pair
    for bad in (7, None, [1]):
        with pytest.raises(TypeError, match=f"^data: a bytes-like object is required, not '{type(bad).__name__}'$"):
            p.publish(bad)
    with pytest.raises(TypeError, match="^data: .* not 'str'; encode it: data.encode"):
        p.publish("text")
    with pytest.raises(BufferError):
        p.publish(memoryview(b"abcd")[::2])
    with pytest.raises(TypeError):
        p.publish()
    with pytest.raises(TypeError, match="colour"):
        p.publish(b"", colour=1)
    with pytest.raises(ValueError, match="content"):
        p.publish(b"", content=256)
    with pytest.raises(ringcast.InvalidError, match="content"):
        p.publish(b"", content=9)
    for bad_time in (-1, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            p.publish(b"", bad_time)
    assert p.sequence == 0


def test_attributes(domain):
    with domain.subscribe("a.>") as s, domain.publisher("a.b", timestamps=True, schema=7) as p:
        p.publish(b"x", content=ringcast.Content.FIELDS)
        p.publish(b"y", schema=9, timestamp_ns=5)
        m = s.next(PATIENCE)
        assert (m.topic, m.sequence, m.schema, m.content, m.kind) == ("a.b", 1, 7, 1, 0)
        assert m.source == p.source and abs(m.timestamp_ns - time.time_ns()) < PATIENCE * 1e9
        m = s.next(PATIENCE)
        assert (m.sequence, m.schema, m.timestamp_ns, m.position) == (2, 9, 5, 1)
        assert "2 of n" in repr(m) and "'a.b'" in repr(m) and "lent" in repr(m)
    with pytest.raises(TypeError):
        ringcast.Message()


def test_poll_next_and_time(pair):
    s, p = pair
    assert s.poll() is None
    for wait in (0, 0.01):
        with pytest.raises(ringcast.TimedOutError):
            s.next(wait)
    with pytest.raises(TimeoutError):
        s.next(timeout=0)
    with pytest.raises(TypeError):
        s.next(1, 2)
    p.publish(b"1")
    assert bytes(s.poll()) == b"1"


def test_full_and_its_timeout(domain):
    with domain.subscribe("f") as s, domain.publisher("f", slots=64) as p:
        for i in range(64):
            p.publish(b"x", 0)
        with pytest.raises(ringcast.FullError, match="no room"):
            p.publish(b"x", 0)
        with pytest.raises(ringcast.TimedOutError):
            p.publish(b"x", timeout=0.02)
        with pytest.raises(ringcast.FullError):
            p.claim(1, 0)
        with pytest.raises(ringcast.TooLargeError, match="slot size"):
            p.publish(bytes(2048 * 32 + 1), 0)
        with pytest.raises(ringcast.TooLargeError, match="slot size"):
            p.claim(5000)
        for i in range(64):
            assert s.poll().sequence == i + 1
        assert s.poll() is None
        p.publish(b"x", 0)


def test_slow_reader_lags(domain):
    """A reader that holds publishers up for longer than the stall budget is told what it missed."""
    with domain.subscribe("slow") as s, domain.publisher("slow", slots=64) as p:
        for i in range(200):
            p.publish(b"%d" % i, PATIENCE)
        got, missed = 0, 0
        for item in iter(s.poll, None):
            if isinstance(item, ringcast.Lagged):
                missed += item.count
                assert "missed" in repr(item) and item.topic == "slow"
            else:
                got += 1
        assert got + missed == 200 and missed > 0
        assert p.info().evicted >= 1


def test_latest_and_history(domain):
    with domain.publisher("h", slots=64, history=16, mode=ringcast.RingMode.LATEST) as p:
        for i in range(100):
            p.publish(b"%d" % i)
        with domain.subscribe("h", history=4, reading=ringcast.Reading.LATEST) as s:
            assert [bytes(m) for m in iter(s.poll, None)] == [b"96", b"97", b"98", b"99"]
        assert p.info().mode == ringcast.RingMode.LATEST and p.info().history == 16


def test_messages_with_events_apart(domain):
    events = []
    with domain.subscribe("slow") as s, domain.publisher("slow", slots=64) as p:

        def on_event(event):
            events.append(event)
            p.publish(b"end")

        for i in range(200):
            p.publish(b"%d" % i, PATIENCE)
        for m in s.messages(on_event):
            if bytes(m) == b"end":
                break
    assert [type(e) for e in events] == [ringcast.Lagged]


def test_copies(domain):
    with domain.subscribe("c", copies=True) as s, domain.publisher("c") as p:
        sizes = (3, 5000, 100000)
        for n in sizes:
            p.publish(bytes(n))
        kept = [s.next(PATIENCE) for _ in sizes]
        view = kept[0].data
        assert [len(bytes(m)) for m in kept] == list(sizes) and not kept[0].lent
    assert bytes(view) == bytes(3) and kept[0].copy() is kept[0] and "copied" in repr(kept[0])


def test_closed_handles(directory):
    d = ringcast.Domain(dir=directory)
    s, p = d.subscribe("t"), d.publisher("t")
    c = d.counter("test.count: of tests")
    c.add(3)
    assert c.value == 3 and "test.count" in repr(c)
    assert d.counter("test.count: of tests").value == 3
    d.close()
    d.close()
    assert d.closed and s.closed and p.closed and "closed" in repr(d) + repr(s) + repr(p)
    for call in (s.poll, s.next, s.release, s.fileno, s.info, lambda: next(s), lambda: p.publish(b""), p.claim, p.info):
        with pytest.raises(ringcast.ClosedError):
            call()
    for call in (lambda: d.publisher("t"), lambda: d.subscribe("t"), lambda: d.address, lambda: d.directory, c.add):
        with pytest.raises(ringcast.ClosedError):
            call()
    s.close()
    p.close()


def test_names_and_addresses(domain):
    assert ringcast.matches("a.*.c", "a.b.c") and not ringcast.matches("a.>", "a")
    a = ringcast.Address.parse("n7-1f03.12.5:1")
    assert str(a) == "n7-1f03.12.5:1" and a == (7, 0x1F03, 5, 12, 1)
    assert ringcast.Address.parse(str(domain.address)) == domain.address
    with pytest.raises(ringcast.InvalidError):
        ringcast.Address.parse("n07")


def test_no_two_threads_at_once(pair):
    s, p = pair
    seen = threading.Event()

    def wait():
        seen.set()
        assert bytes(s.next(PATIENCE)) == b"go"

    t = threading.Thread(target=wait)
    t.start()
    seen.wait()
    refused = 0
    end = time.monotonic() + PATIENCE
    while not refused and time.monotonic() < end:
        try:
            s.poll()
        except ringcast.ThreadError as e:
            assert "another thread" in str(e) and "a handle of its own" in str(e)
            refused += 1
    p.publish(b"go")
    t.join()
    assert refused and s.poll() is None


def test_close_ends_a_wait(pair):
    s, _ = pair
    raised = []

    def wait():
        try:
            s.next()
        except ringcast.ClosedError as e:
            raised.append(e)

    t = threading.Thread(target=wait)
    t.start()
    time.sleep(0.05)
    s.close()
    t.join(PATIENCE)
    assert not t.is_alive() and len(raised) == 1 and s.closed


def test_close_ends_a_wait_for_room(domain):
    raised = []
    with domain.subscribe("f"), domain.publisher("f", slots=64) as p:
        for _ in range(64):
            p.publish(b"x", 0)

        def wait():
            try:
                while True:
                    p.publish(b"y")
            except ringcast.ClosedError as e:
                raised.append(e)

        t = threading.Thread(target=wait)
        t.start()
        time.sleep(0.02)
        p.close()
        t.join(PATIENCE)
        assert not t.is_alive() and len(raised) == 1


def test_waits_let_other_threads_run(pair):
    s, _ = pair
    t = threading.Thread(target=lambda: pytest.raises(ringcast.TimedOutError, s.next, 0.3))
    t.start()
    steps = 0
    while t.is_alive():
        steps += 1
        time.sleep(0)
    t.join()
    assert steps > 100


def test_a_signal_ends_a_wait(pair):
    s, p = pair

    class Alarm(Exception):
        pass

    def ring(*_):
        with pytest.raises(ringcast.ThreadError, match="a signal has interrupted"):
            s.poll()
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Alarm):
            s.next()
    finally:
        signal.signal(signal.SIGALRM, before)
    p.publish(b"x")
    assert bytes(s.next(PATIENCE)) == b"x"


def test_collected_in_any_order(directory):
    """Handles in cycles, forgotten in any order, with a lease and a slot open."""
    for order in range(6):
        d = ringcast.Domain(dir=directory)
        s, p = d.subscribe("t"), d.publisher("t")
        p.publish(b"x")
        m, slot = s.next(PATIENCE), p.claim(3)
        cycle = [d, s, p, m, slot, m.data, slot.data]
        cycle.append(cycle)
        names = [d, s, p, m, slot]
        del d, s, p, m, slot, cycle
        while names:
            names.pop(order % len(names))
            gc.collect()


@pytest.mark.parametrize("copies", [False, True])
def test_queue_group(domain, copies):
    """Each message goes to one member, once."""
    with domain.publisher("jobs") as p:
        members = [domain.subscribe("jobs", group="workers", copies=copies) for _ in range(3)]
        for i in range(60):
            p.publish(b"%d" % i)
        got = []
        while len(got) < 60:
            for m in members:
                item = m.poll()
                if item is not None:
                    got.append(int(bytes(item)))
        assert sorted(got) == list(range(60)) and all(m.poll() is None for m in members)
    with pytest.raises(ringcast.InvalidError, match="pattern"):
        domain.subscribe("a.>", group="g")
    domain.publisher("latest", mode=ringcast.RingMode.LATEST).publish(b"")
    with pytest.raises(ringcast.InvalidError, match="RC_READ_GROUP"):
        domain.subscribe("jobs", reading=ringcast.Reading.LATEST, group="g")


def test_rights_of_a_topic(domain):
    with domain.publisher("r", file_mode=0o640):
        (data,) = glob.glob(os.path.join(domain.directory, "topics", "r.*.dat"))
        assert stat.S_IMODE(os.stat(data).st_mode) == 0o640
    with pytest.raises(ringcast.InvalidError, match="no such group"):
        domain.publisher("q", group="no such group")


def test_stall_budget_of_a_topic(domain):
    with pytest.raises(ringcast.InvalidError, match="stall budget"):
        domain.publisher("budget", stall_budget=0.05)
    with domain.publisher("budget", slots=4, slot_size=64, stall_budget=0.1) as p, domain.subscribe("budget") as s:
        for _ in range(5):
            p.publish(b"x", PATIENCE)
        assert any(isinstance(item, ringcast.Lagged) for item in iter(s.poll, None))


def test_wait_for_several(domain):
    subscriptions = [domain.subscribe(f"t.{i}") for i in range(5)]
    publishers = [domain.publisher(f"t.{i}") for i in range(5)]
    assert domain.wait(subscriptions, 0) is None and domain.wait(subscriptions, 0.01) is None
    for i in (3, 0, 4, 4, 1):
        publishers[i].publish(b"%d" % i)
        ready = domain.wait(subscriptions, PATIENCE)
        assert ready is subscriptions[i] and bytes(ready.poll()) == b"%d" % i
    t = threading.Thread(target=lambda: (time.sleep(0.02), publishers[2].publish(b"late")))
    t.start()
    assert domain.wait(subscriptions) is subscriptions[2]
    t.join()
    view = subscriptions[2].next().data
    publishers[0].publish(b"x")
    assert domain.wait(subscriptions, PATIENCE) is subscriptions[0]
    with pytest.raises(ValueError):  # a wait is a step of each
        view[0]


def test_wait_for_several_refuses(domain, directory):
    s = domain.subscribe("t")
    with pytest.raises(ringcast.InvalidError, match="no subscriptions"):
        domain.wait([])
    with pytest.raises(ringcast.InvalidError, match="twice"):
        domain.wait([s, s])
    with pytest.raises(TypeError):
        domain.wait([s, "t"])
    with ringcast.Domain(dir=directory) as other:
        with pytest.raises(ringcast.InvalidError, match="another domain"):
            domain.wait([s, other.subscribe("t")])
    s.close()
    with pytest.raises(ringcast.ClosedError):
        domain.wait([s])


def test_close_ends_a_wait_for_several(domain):
    subscriptions = [domain.subscribe("a"), domain.subscribe("b")]
    raised = []

    def wait():
        try:
            domain.wait(subscriptions)
        except ringcast.ClosedError as e:
            raised.append(e)

    t = threading.Thread(target=wait)
    t.start()
    time.sleep(0.02)
    with pytest.raises(ringcast.ThreadError):
        subscriptions[0].poll()
    subscriptions[1].close()
    t.join(PATIENCE)
    assert len(raised) == 1 and not subscriptions[0].closed and subscriptions[0].poll() is None


def test_handles_are_opened_by_a_domain(pair):
    s, p = pair
    for made in (ringcast.Subscription, ringcast.Publisher):
        for args in ((), ("t",)):
            with pytest.raises(TypeError, match="is opened by Domain"):
                made(*args)
    for handle in (s, p):
        with pytest.raises(TypeError, match="is opened by Domain"):
            handle.__init__(1, 2)


def test_nothing_is_left_behind(program):
    """A hundred thousand messages, in every way, take no more memory than a few."""
    text = """
import gc, resource
import ringcast
def rss():
    gc.collect()
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()
def use(n):
    with ringcast.Domain() as d, d.subscribe("t") as s, d.subscribe("t", copies=True) as c, d.publisher("t") as p:
        part = None
        for i in range(n):
            p.publish(bytes(3000 if i % 7 == 0 else 100))
            with p.claim(10) as slot:
                slot[0] = 1
            for sub in (s, c):
                m = sub.next()
                part = m.data[:5]
                m.source, m.copy(), repr(m), m.topic
                part2 = memoryview(sub.next())[1:3]
            del part, part2, m
            try:
                p.claim(5000)
            except ringcast.TooLargeError:
                pass
for _ in range(3):
    use(2000)
before = rss()
for _ in range(10):
    use(2000)
grown = rss() - before
assert grown < 4 << 20, grown
print("grew by", grown)
"""
    assert "grew by" in program(text, options=[])


def test_memory_settings(directory, monkeypatch):
    with ringcast.Domain(dir=directory, memory="prefault") as d, d.subscribe("t") as s, d.publisher("t") as p:
        p.publish(b"x")
        assert bytes(s.next(PATIENCE)) == b"x"
    with pytest.raises(ringcast.InvalidError, match='config: memory setting "fast": want prefault, huge'):
        ringcast.Domain(dir=directory, memory="fast")
    monkeypatch.setenv("RINGCAST_MEMORY", "slow")
    with pytest.raises(ringcast.InvalidError, match='RINGCAST_MEMORY: memory setting "slow"'):
        ringcast.Domain(dir=directory)
