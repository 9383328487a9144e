"""What is lent can't outlive its slot: an error, never a crash, never other bytes."""

import ctypes
import gc
import threading
import time
import warnings

import numpy
import pytest

import ringcast

from conftest import PATIENCE


def fill(p, n=3):
    for i in range(n):
        p.publish(bytes([i]) * 100)


def test_a_step_ends_the_lease(pair):
    s, p = pair
    fill(p)
    m = s.next(PATIENCE)
    view = m.data
    assert view[0] == 0 and m.lent
    s.next(PATIENCE)
    with pytest.raises(ValueError, match="released"):
        view[0]
    with pytest.raises(ValueError, match="released"):
        bytes(view)
    for use in (lambda: m.data, lambda: bytes(m), lambda: memoryview(m), m.copy, lambda: numpy.frombuffer(m)):
        with pytest.raises(ringcast.LeaseError, match="copy what is to stay"):
            use()
    assert m.sequence == 1 and len(m) == 100 and not m.lent and "given back" in repr(m)


@pytest.mark.parametrize("step", ["poll", "next", "iterate", "release", "message"])
def test_an_empty_step_ends_it_too(pair, step):
    s, p = pair
    fill(p, 2)
    m = s.next(PATIENCE)
    view = m.data
    if step == "iterate":
        next(s)
    else:
        {"poll": s.poll, "next": s.next, "release": s.release, "message": m.release}[step]()
    with pytest.raises(ValueError):
        view[0]


def test_a_loop_over_arrays(pair):
    """The array of the step before is alive at the next step, as loops are written."""
    s, p = pair
    fill(p, 50)
    for i in range(50):
        m = s.next(PATIENCE)
        array = numpy.frombuffer(m, "u1")
        part = m.data[10:20]
        assert array.sum() == 100 * i and bytes(part) == bytes([i]) * 10
    assert s.poll() is None and array.sum() == 4900


@pytest.mark.parametrize("reading", [None, ringcast.Reading.LATEST])
@pytest.mark.parametrize("kind", ringcast.RingKind)
def test_what_is_looked_at_stays(domain, reading, kind):
    """Around the ring, past the stall budget, in any order: never other bytes."""
    with domain.subscribe("t", reading=reading) as s, domain.publisher("t", slots=64, kind=kind) as p:
        kept = {}
        for i in range(400):
            p.publish(bytes([p.sequence % 251]) * 100, PATIENCE)
            try:
                item = s.next(PATIENCE)
            except ringcast.BusyError:  # until it is put out, with what is kept
                p.publish(bytes([p.sequence % 251]) * 100, PATIENCE)
                continue
            if not isinstance(item, ringcast.Message):
                continue
            n = item.sequence - 1
            assert bytes(item) == bytes([n % 251]) * 100
            if n % 9 == 3:
                kept[n] = numpy.frombuffer(item.data, "u1") if n % 2 else item.data[20:60]
            if len(kept) > 3:
                del kept[sorted(kept)[n % 3]]
            for k, view in kept.items():
                assert set(bytes(view)) == {k % 251}, k
        assert kept and p.info().damaged == 0 and (p.info().evicted > 0) == (reading is None)
        del kept, view


def test_a_message_whose_view_stays(pair):
    s, p = pair
    fill(p, 3)
    m = s.next(PATIENCE)
    part = m.data[5:9]
    s.next(PATIENCE)
    assert "kept" in repr(m) and bytes(m) == bytes(100) and m.data[3] == 0 and m.lent
    del part
    assert "given back" in repr(m)
    with pytest.raises(ringcast.LeaseError):
        m.data


def test_large_messages_whose_views_stay(pair):
    s, p = pair
    views = []
    for i in range(5):
        p.publish(bytes([i]) * 10000)
        views.append(numpy.frombuffer(s.next(PATIENCE), "u1"))
    s.poll()
    assert [int(v.sum()) for v in views] == [i * 10000 for i in range(5)]


def test_views_of_a_quarter_of_the_ring(domain):
    """Then a step is refused, nothing is lost, and it goes on when they are gone."""
    with domain.subscribe("t") as s, domain.publisher("t", slots=64) as p:
        fill(p, 64)
        views = []
        with pytest.raises(ringcast.BusyError, match="a quarter of its 64 slots.*let go"):
            while True:
                views.append(s.next(PATIENCE).data[:10])
        assert len(views) == 16 and [v[0] for v in views] == list(range(16))
        views.clear()
        assert [m.data[0] for m in iter(s.poll, None)] == list(range(16, 64))


def test_a_view_that_goes_while_another_thread_waits(pair):
    """It gives its slot back when the wait is over; nobody crashes."""
    s, p = pair
    for _ in range(50):
        fill(p, 2)
        view = s.next(PATIENCE).data[:5]
        s.next(PATIENCE)
        t = threading.Thread(target=s.next, args=(PATIENCE,))
        t.start()
        time.sleep(0.001)
        del view
        gc.collect()
        p.publish(b"end")
        t.join()
        s.release()


def test_read_only(pair):
    s, p = pair
    fill(p)
    m = s.next(PATIENCE)
    with pytest.raises(TypeError):
        m.data[0] = 1
    with pytest.raises(TypeError):
        (ctypes.c_char * 100).from_buffer(m)
    assert not numpy.frombuffer(m, "u1").flags.writeable


def test_copies_stay(pair):
    s, p = pair
    fill(p)
    m = s.next(PATIENCE)
    kept, own, array = bytes(m), m.copy(), numpy.array(m.data)
    s.next(PATIENCE)
    assert kept == bytes(own) == array.tobytes() == bytes(100) and own.sequence == 1 and own.data[5] == 0
    assert own.source == p.source and own.topic == "t"


def test_a_large_copy_while_the_stream_goes_on(domain):
    """It is made without the GIL; a step of another thread meanwhile leaves the bytes alone."""
    with domain.subscribe("big") as s, domain.publisher("big", slot_size=4 << 20, slots=64) as p:
        for i in range(30):
            p.publish(bytes([i]) * (4 << 20))
        for i in range(0, 28, 2):
            m = s.next(PATIENCE)
            t = threading.Thread(target=s.next, args=(PATIENCE,))
            t.start()
            try:
                copy = m.copy()
            except ringcast.LeaseError:  # the step came first
                copy = None
            t.join()
            assert copy is None or bytes(copy) == bytes([i]) * (4 << 20)
            assert not m.lent


def test_a_user_may_release_the_view(pair):
    s, p = pair
    fill(p)
    m = s.next(PATIENCE)
    with m.data as view:
        assert view[0] == 0
    assert m.data[0] == 0
    m.data.release()
    with m:
        assert bytes(m) == bytes(100)
    assert not m.lent
    assert s.next(PATIENCE).data[0] == 1


def test_forwarding_a_lease(pair, domain):
    s, p = pair
    p.publish(b"again")
    m = s.next(PATIENCE)
    p.publish(m)
    p.publish(m.data)
    assert bytes(s.next(PATIENCE)) == bytes(s.next(PATIENCE)) == b"again"


def test_closed_while_looked_at(domain):
    """The ring stays mapped, and its bytes as they were, until the last view is gone."""
    s, p = domain.subscribe("t"), domain.publisher("t", slots=64)
    fill(p)
    m = s.next(PATIENCE)
    array, part = numpy.frombuffer(m.data, "u1"), m.data[10:20]
    with pytest.warns(ResourceWarning, match="a view of a message is alive"):
        s.close()
    for i in range(300):
        p.publish(b"\xff" * 100, PATIENCE)  # around the ring, over everything that is not held
    domain.close()
    assert array.tobytes() == bytes(100) and bytes(part) == bytes(10)
    del m, part
    gc.collect()
    assert array.tobytes() == bytes(100)
    del array


def test_closed_without_views(pair):
    s, p = pair
    fill(p)
    m = s.next(PATIENCE)
    view = m.data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        s.close()
    with pytest.raises(ValueError):
        view[0]
    with pytest.raises(ringcast.LeaseError):
        m.data


def test_claim_and_commit(pair):
    s, p = pair
    with p.claim(5) as data:
        assert len(data) == 5 and not data.readonly
        data[:] = b"hello"
    with pytest.raises(ValueError):
        data[0] = 1
    assert bytes(s.next(PATIENCE)) == b"hello" and p.sequence == 1
    slot = p.claim()
    assert len(slot) == slot.capacity == 2048 and slot.open and "claimed" in repr(slot)
    slot.data[100:103] = b"abc"
    slot.commit(100, 3, content=1, schema=4, timestamp_ns=9)
    m = s.next(PATIENCE)
    assert (bytes(m), m.content, m.schema, m.timestamp_ns) == (b"abc", 1, 4, 9)
    for use in (slot.commit, lambda: slot.data, lambda: memoryview(slot)):
        with pytest.raises(ringcast.LeaseError, match="committed or aborted"):
            use()
    slot.abort()
    assert not slot.open and "ended" in repr(slot)


def test_a_message_keeps_what_it_lies_in(directory):
    """Handles that were forgotten, not closed, are closed when what they lent is gone."""
    d = ringcast.Domain(dir=directory)
    s, p = d.subscribe("t"), d.publisher("t")
    p.publish(b"stays")
    m, slot = s.next(PATIENCE), p.claim(3)
    view = m.data
    del d, s, p
    gc.collect()
    assert bytes(m) == bytes(m.data) == bytes(view) == b"stays" and m.lent
    with slot as data:
        data[:] = b"abc"
    m.release()
    assert bytes(view) == b"stays"


def test_claim_given_up(pair):
    s, p = pair
    with pytest.raises(ZeroDivisionError):
        with p.claim(5) as data:
            data[:] = b"hello"
            1 / 0
    with pytest.raises(ValueError):
        data[0]
    p.claim(3).abort()
    with p.claim(3) as data:  # ended in the block
        data[:] = b"abc"
    slot = p.claim(3)
    with slot:
        slot.abort()
    p.claim(1)  # forgotten
    gc.collect()
    p.publish(b"after")
    assert bytes(s.next(PATIENCE)) == b"abc" and bytes(s.next(PATIENCE)) == b"after" and s.poll() is None


def test_a_claim_that_was_held_for_too_long(pair, domain):
    """Others that wait behind it take it after 50 ms; the commit learns it."""
    s, p = pair
    slot = p.claim(3)
    with domain.publisher("t") as other:
        other.publish(b"behind")
        assert bytes(s.next(PATIENCE)) == b"behind"
    slot.data[:] = b"abc"
    with pytest.raises(ringcast.FencedError, match="publish it again"):
        slot.commit()
    assert not slot.open and s.poll() is None
    p.publish(b"abc")
    assert bytes(s.next(PATIENCE)) == b"abc"


def test_one_claim_at_a_time(pair):
    _, p = pair
    slot = p.claim(3)
    for use in (lambda: p.publish(b""), lambda: p.claim(3)):
        with pytest.raises(ringcast.BusyError, match="end the claim"):
            use()
    for bad in ((4, 0), (0, 4), (2, 2)):
        with pytest.raises(ValueError):
            slot.commit(*bad)
    for bad in ((-1,), (0, -1)):
        with pytest.raises(ValueError):
            slot.commit(*bad)
    with pytest.raises(ringcast.InvalidError):
        slot.commit(content=9)
    assert slot.open
    slot.commit()
    with pytest.raises(ValueError):
        p.claim(-1)


def test_an_array_of_the_slot_that_survives(pair):
    """It could write to the message after it was sent, so it is not sent."""
    s, p = pair
    with pytest.raises(ringcast.LeaseError, match="let go of it with del"):
        with p.claim(8) as data:
            array = numpy.frombuffer(data, "u1")
            array[:] = 7
    with pytest.raises(ringcast.LeaseError, match="let go of it with del"):
        p.publish(b"")
    array[:] = 8  # still its own
    del array
    p.publish(b"after")
    assert bytes(s.next(PATIENCE)) == b"after"
    with p.claim(8) as data:
        array = numpy.frombuffer(data, "u1")
        array[:] = 7
        del array
    assert bytes(s.next(PATIENCE)) == b"\7" * 8


def test_a_publisher_closed_with_an_array_of_its_slot(domain):
    p = domain.publisher("t")
    slot = p.claim(8)
    array = numpy.frombuffer(slot, "u1")
    with pytest.warns(ResourceWarning, match="a view of its slot is alive"):
        p.close()
    domain.close()
    array[:] = 1
    with pytest.raises(ringcast.LeaseError):
        slot.commit()
    del slot
    gc.collect()
    array[:] = 2
    del array
