"""Requests, services, streams, surveys and messages to one process."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import ringcast

from conftest import PATIENCE


@pytest.fixture
def two(directory):
    """Two participants of one domain."""
    with ringcast.Domain(dir=directory) as a, ringcast.Domain(dir=directory) as b:
        yield a, b


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, PATIENCE))


def test_request(two):
    a, b = two
    with a.serve("upper", lambda r: r.data.upper()):
        for text in (b"", b"x", b"hello" * 300):
            reply = b.request("upper", text, PATIENCE)
            assert reply.data == text.upper() and reply.source == a.address
    with pytest.raises(ringcast.NoServiceError):
        b.request("upper", b"x")


def test_marks_travel(two):
    a, b = two

    def handler(r):
        assert (r.content, r.schema) == (ringcast.Content.FIELDS, 7)
        r.mark(ringcast.Content.FLAT_BUFFER, 9)
        return r.data

    with a.serve("marks", handler):
        reply = b.request("marks", b"x", PATIENCE, content=ringcast.Content.FIELDS, schema=7)
        assert (reply.content, reply.schema) == (ringcast.Content.FLAT_BUFFER, 9)


def test_errors_of_a_handler(two):
    a, b = two

    def handler(r):
        if r.data == b"code":
            raise ringcast.ReplyError("no such thing", 42)
        if r.data == b"bug":
            raise ValueError("broken")
        if r.data == b"large":
            return b"x" * (1 << 20)
        if r.data == b"text":
            return "text"

    with a.serve("fails", handler):
        with pytest.raises(ringcast.ReplyError) as e:
            b.request("fails", b"code", PATIENCE)
        assert (e.value.text, e.value.reply_code) == ("no such thing", 42)
        with pytest.raises(ringcast.ReplyError) as e:
            b.request("fails", b"bug", PATIENCE)
        assert (e.value.text, e.value.reply_code) == ("broken", 0)
        with pytest.raises(ringcast.ReplyTooLargeError):
            b.request("fails", b"large", PATIENCE)
        with pytest.raises(ringcast.NoReplyError):
            b.request("fails", b"none", PATIENCE)
        for _ in range(2):  # what can't be sent holds nothing back
            with pytest.raises(ringcast.ReplyError, match="bytes-like object is required, not 'str'"):
                b.request("fails", b"text", PATIENCE)


def test_texts_are_no_bytes(two):
    a, _ = two
    for call in (lambda: a.request("any", "text", PATIENCE), lambda: a.send("any", "text"), lambda: a.survey("any", 7, PATIENCE)):
        with pytest.raises(TypeError, match="^data: a bytes-like object is required, not '(str'; encode it: data.encode|int'$)"):
            call()
    for name, call in {
        "topic": lambda: a.publisher(b"topic"),
        "group": lambda: a.subscribe("topic", group=b"g"),
        "name": lambda: a.serve(b"name"),
        "domain": lambda: ringcast.Domain(b"domain"),
    }.items():
        with pytest.raises(TypeError, match=f"^{name}: a str is required, not 'bytes'; decode it: {name}.decode"):
            call()
    with pytest.raises(TypeError, match="^topic: a str is required, not 'int'$"):
        a.subscribe(7)
    with pytest.raises(TypeError, match="^to: a name .str. or an Address is required, not 'bytes'"):
        a.request(b"name", b"", PATIENCE)
    text = str(a.address)
    for call in (lambda: a.request(text, b""), lambda: a.ask(text), lambda: a.send(text + ":3")):
        with pytest.raises(TypeError, match=f"^to: an Address is required, not its text; read it: Address.parse.'{text}"):
            call()
    with pytest.raises(ringcast.NoServiceError):  # which looks like one, and is none
        a.send("n7-1F03.12.5")
    with pytest.raises(TypeError, match="^handler: .* not 'int'"):
        a.serve("name", 7)


def test_bad_arguments(two):
    a, b = two
    for bad in (0, -1, 1801):
        with pytest.raises(ringcast.InvalidError):
            b.request("x", b"", bad)
    with pytest.raises(ringcast.BadNameError):
        b.request("no good name", b"")
    with pytest.raises(TypeError):
        b.request("x", "text")
    with pytest.raises(ringcast.InvalidError):
        b.survey("x", quorum=-1)
    with pytest.raises(ringcast.InvalidError):
        a.serve("x", concurrency=5000)
    with a.subscribe("t") as s, b.publisher("t") as p:
        p.publish(b"x")
        m = s.next(PATIENCE)
        assert not m.is_request
        with pytest.raises(ringcast.NotAddressedError):
            a.answer(m, b"y")


def test_deadline_and_cancel(two):
    a, b = two
    seen = threading.Event()

    def handler(r):
        end = time.monotonic() + PATIENCE
        while r.wanted() and time.monotonic() < end:
            time.sleep(0.001)
        seen.set()

    with a.serve("slow", handler):
        with pytest.raises(ringcast.TimedOutError):
            b.request("slow", b"", 0.1)
        assert seen.wait(PATIENCE)
        seen.clear()
        pending = b.ask("slow", b"", PATIENCE)
        with pytest.raises(ringcast.TimedOutError):
            pending.result(0.05)
        pending.cancel()
        with pytest.raises(ringcast.CanceledError):
            pending.result(PATIENCE)
        assert seen.wait(PATIENCE)


def test_many_in_flight(directory):
    with ringcast.Domain(dir=directory) as a, ringcast.Domain(dir=directory, in_flight=1000) as b:
        with a.serve("echo", lambda r: r.data, concurrency=2, queue=2048):
            asked = [b.ask("echo", b"%d" % i, PATIENCE) for i in range(1000)]
            assert [p.result(PATIENCE).data for p in asked] == [b"%d" % i for i in range(1000)]
            assert all(p.done() for p in asked)
            assert asked[7].result().data == b"7"  # it stays


def test_more_than_fit_wait(directory):
    """in_flight is a least: the library rounds it up to what its inbox has room for."""
    with ringcast.Domain(dir=directory) as a, ringcast.Domain(dir=directory, in_flight=4) as b:
        gate = threading.Event()
        with a.serve("late", lambda r: (gate.wait(PATIENCE), r.data)[1], queue=1024):
            asked = []
            with pytest.raises(ringcast.FullError):
                for i in range(512):
                    asked.append(b.ask("late", b"%d" % i, PATIENCE, wait=0.05))
            assert 4 <= len(asked) < 512
            gate.set()
            assert [p.result(PATIENCE).data for p in asked] == [b"%d" % i for i in range(len(asked))]


def test_stream(two):
    a, b = two

    def handler(r):
        for i in range(int(r.data)):
            r.more(b"%d" % i)
        return b"end"

    with a.serve("count", handler):
        with b.stream("count", b"100", PATIENCE) as answers:
            assert [r.data for r in answers] == [b"%d" % i for i in range(100)] + [b"end"]
        with b.stream("count", b"1000000", PATIENCE) as answers:
            assert next(answers).data == b"0"  # leaving gives up the rest
        assert b.request("count", b"0", PATIENCE).data == b"end"
        with pytest.raises(ringcast.ReplyError):
            b.request("count", b"3", PATIENCE)  # one answer is asked for


def test_survey(two):
    a, b = two
    with a.subscribe("who") as s, a.subscribe("who") as t:

        def answer():
            a.answer(s.next(PATIENCE).copy(), b"here")
            assert t.next(PATIENCE).is_request

        thread = threading.Thread(target=answer)
        thread.start()
        with b.survey("who", b"?", PATIENCE, quorum=1) as answers:
            assert [r.data for r in answers] == [b"here"]
        thread.join()


def test_inbox(two):
    a, b = two
    with pytest.raises(ringcast.NoInboxError):
        b.send(a.address, b"early")
    with a.inbox() as inbox:
        b.send(a.address, b"hello")
        m = inbox.next(PATIENCE)
        assert bytes(m) == b"hello" and m.source == b.address and not m.is_request
        pending = b.ask(a.address, b"question", PATIENCE)
        m = inbox.next(PATIENCE).copy()
        assert bytes(m) == b"question" and m.is_request
        a.answer(m, b"answer")
        assert pending.result(PATIENCE).data == b"answer"
        pending = b.ask(a.address, b"question", PATIENCE)
        a.answer_error(inbox.next(PATIENCE), "not today", 3)
        with pytest.raises(ringcast.ReplyError, match="not today"):
            pending.result(PATIENCE)
        with pytest.raises(ringcast.BusyError):
            a.inbox()
    gone = a.address
    a.close()
    with pytest.raises(ringcast.GoneError):
        b.send(gone, b"late")


def test_one_way(two):
    a, b = two
    with a.serve("log") as service:
        b.send("log", b"line")
        request = service.next(PATIENCE)
        assert request.one_way and request.data == b"line"
        request.drop()
        request.drop()
        with pytest.raises(ringcast.ClosedError):
            request.reply(b"")
        with pytest.raises(ringcast.TimedOutError):
            service.next(0.01)


def test_stop_loses_nothing(two):
    """Instances come and go under load: every request is answered."""
    a, b = two
    stop, failed, answered = threading.Event(), [], []

    def ask():
        while not stop.is_set():
            try:
                answered.append(b.request("deploy", b"x", PATIENCE).data)
            except ringcast.Error as error:
                failed.append(error)

    old = a.serve("deploy", lambda r: r.data)
    askers = [threading.Thread(target=ask) for _ in range(3)]
    for t in askers:
        t.start()
    for _ in range(10):
        new = a.serve("deploy", lambda r: r.data)
        time.sleep(0.02)
        old.stop()
        old = new
    stop.set()
    for t in askers:
        t.join()
    old.stop()
    assert not failed and answered


@pytest.fixture
def frail(directory):
    """A process that serves `frail`, says when it has a request, and keeps it."""
    text = "import ringcast, time\nd = ringcast.Domain()\ns = d.serve('frail')\nprint('up', flush=True)\ns.next()\nprint('has it', flush=True)\ntime.sleep(1000)"
    process = subprocess.Popen([sys.executable, "-c", text], env={**os.environ, "RINGCAST_SHM_DIR": directory}, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"up\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_instance_dies(frail, domain):
    """Its caller is told."""
    pending = domain.ask("frail", b"", PATIENCE)
    assert frail.stdout.readline() == b"has it\n"
    frail.send_signal(signal.SIGKILL)
    with pytest.raises(ringcast.InstanceDiedError):
        pending.result(PATIENCE)


def test_idempotent(frail, domain):
    """What may run twice goes to another where its instance dies."""
    answered = []
    asking = threading.Thread(target=lambda: answered.append(domain.request("frail", b"", PATIENCE, idempotent=True).data))
    asking.start()
    assert frail.stdout.readline() == b"has it\n"
    with domain.serve("frail") as other:
        frail.send_signal(signal.SIGKILL)
        other.next(PATIENCE).reply(b"again")
        asking.join(PATIENCE)
    assert answered == [b"again"]


def test_asyncio(directory):
    async def main():
        with ringcast.Domain(dir=directory) as a, ringcast.Domain(dir=directory, in_flight=500) as b:

            async def handler(r):
                if r.streams:
                    for i in range(50):
                        await r.more_async(b"%d" % i)
                else:
                    await asyncio.sleep(0)
                return r.data

            async with a.serve("echo", handler, concurrency=8, queue=1024):
                assert (await b.ask("echo", b"1", PATIENCE)).data == b"1"
                replies = await asyncio.gather(*(b.ask("echo", b"%d" % i, PATIENCE) for i in range(500)))
                assert [r.data for r in replies] == [b"%d" % i for i in range(500)]
                with b.stream("echo", b"end", PATIENCE) as answers:
                    assert [r.data async for r in answers] == [b"%d" % i for i in range(50)] + [b"end"]
            with pytest.raises(ringcast.NoServiceError):
                await b.ask("echo", b"", PATIENCE)

    run(main())


def test_two_loops(directory):
    """Tasks of two event loops in two threads wait for answers of one domain."""
    with ringcast.Domain(dir=directory) as a, ringcast.Domain(dir=directory, in_flight=200) as b:
        with a.serve("echo", lambda r: r.data, concurrency=2):

            async def ask():
                for i in range(100):
                    assert (await b.ask("echo", b"%d" % i, PATIENCE)).data == b"%d" % i

            threads = [threading.Thread(target=lambda: run(ask())) for _ in range(2)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()


def test_closed_under_who_waits(two):
    """Closing the domain ends a wait, in a thread and in a loop."""
    a, b = two
    with a.serve("never", lambda r: time.sleep(1)):
        pending = b.ask("never", b"", PATIENCE)
        failed = []

        def wait():
            try:
                pending.result(PATIENCE)
            except ringcast.ClosedError as error:
                failed.append(error)

        t = threading.Thread(target=wait)
        t.start()
        time.sleep(0.05)
        b.close()
        t.join(PATIENCE)
        assert failed
        with pytest.raises(ringcast.ClosedError):
            b.request("never", b"")


def test_dropped_without_care(two):
    """What nobody keeps is given up, and the domain closes after it."""
    a, b = two
    with a.serve("echo", lambda r: r.data):
        for _ in range(200):
            b.ask("echo", b"x", PATIENCE)
        gc.collect()
        assert b.request("echo", b"y", PATIENCE).data == b"y"


def mapped(text):
    with open("/proc/self/maps") as maps:
        return sum(text in line for line in maps)


def test_names_that_were_called_are_forgotten(two):
    """A name for each order: the 256 that were called last are kept open, with three mappings each, and what is in use."""
    a, b = two
    with a.serve("used", queue=64, slot_size=64) as used:
        pending = b.ask("used", b"x", PATIENCE)
        for i in range(400):
            name = f"order.{i}"
            with a.serve(name, queue=64, slot_size=64) as s:
                answer = b.ask(name, b"x", PATIENCE)
                s.next(PATIENCE).reply(name.encode())
                assert answer.result(PATIENCE).data == name.encode()
        assert mapped("/services/order.") <= 3 * 256
        assert mapped("/services/order.0.") == 0
        assert mapped("/services/order.399.") == 3
        used.next(PATIENCE).reply(b"y")
        assert pending.result(PATIENCE).data == b"y"


def test_in_a_fork(two):
    a, b = two
    with a.serve("echo", lambda r: r.data):
        pending = b.ask("echo", b"x", PATIENCE)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                b.request("echo", b"y")
            except ringcast.ForkedError:
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert pending.result(PATIENCE).data == b"x"
