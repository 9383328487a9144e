"""Several processes: fork and spawn, deaths, the end of an interpreter."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

import ringcast

from conftest import PATIENCE


def in_child(function):
    """Runs function in a forked child; returns what it returns, as text."""
    r, w = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = str(function())
        except BaseException as e:
            text = f"raised {type(e).__name__}: {e}"
        os.write(w, text.encode())
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0, text
    return text


def refused(calls):
    for name, call in calls.items():
        with pytest.raises(ringcast.ForkedError, match="before this process was forked"):
            call()
            print(name, "was not refused")
    return "all refused"


def test_fork_refuses_every_handle(domain):
    s, p = domain.subscribe("t"), domain.publisher("t")
    other = domain.publisher("u")
    slot = other.claim(3)
    p.publish(b"w")
    part = s.next(PATIENCE).data[:1]
    p.publish(b"x")
    m = s.next(PATIENCE)
    view, own, written = m.data, m.copy(), slot.data

    def child():
        nonlocal part
        for v in (view, written):
            with pytest.raises(ValueError, match="released"):
                v[0]
        assert bytes(own) == b"x"
        text = refused(
            {
                "data": lambda: m.data,
                "bytes": lambda: bytes(m),
                "copy": m.copy,
                "slot": lambda: slot.data,
                "publish": lambda: p.publish(b""),
                "claim": p.claim,
                "commit": slot.commit,
                "poll": s.poll,
                "next": s.next,
                "iterate": lambda: next(s),
                "fileno": s.fileno,
                "publisher": lambda: domain.publisher("v"),
                "subscribe": lambda: domain.subscribe("v"),
                "counter": lambda: domain.counter("a.b: c"),
                "address": lambda: domain.address,
            }
        )
        s.close()
        domain.close()
        del part
        gc.collect()
        return text

    assert in_child(child) == "all refused"
    assert bytes(m) == bytes(view) == b"x" and bytes(part) == b"w"
    written[0] = 1
    del part
    p.publish(b"y")
    assert bytes(s.next(PATIENCE)) == b"y"


def test_fork_while_a_thread_waits(domain):
    """The child has no such thread: its copies of the handles are refused, and can be closed."""
    import threading

    s = domain.subscribe("t")
    t = threading.Thread(target=lambda: pytest.raises(ringcast.ClosedError, s.next))
    t.start()
    time.sleep(0.05)

    def child():
        text = refused({"poll": s.poll, "next": s.next})
        s.close()
        domain.close()
        return text

    assert in_child(child) == "all refused"
    s.close()
    t.join()


def test_a_child_opens_its_own(domain, directory):
    s = domain.subscribe("t")

    def child():
        with ringcast.Domain(dir=directory) as own, own.publisher("t") as p:
            p.publish(b"from the child")
            return own.address != s

    assert in_child(child) == "True"
    m = s.next(PATIENCE)
    assert bytes(m) == b"from the child" and m.source[:4] != domain.address[:4]


def work(directory, topic, n):
    with ringcast.Domain(dir=directory) as d, d.publisher(topic) as p:
        for i in range(n):
            p.publish(b"%d" % i, PATIENCE)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(domain, directory, method):
    context = multiprocessing.get_context(method)
    with domain.subscribe("t") as s:
        children = [context.Process(target=work, args=(directory, "t", 200)) for _ in range(3)]
        for c in children:
            c.start()
        last = {}
        while sum(last.values()) < 600:
            m = s.next(PATIENCE)
            assert isinstance(m, ringcast.Message), m
            assert int(bytes(m)) == last.get(m.source, 0) and m.sequence == last.get(m.source, 0) + 1
            last[m.source] = m.sequence
        for c in children:
            c.join()
            assert c.exitcode == 0


PARENT = """
import os, sys, time
import ringcast
d = ringcast.Domain()
p = d.publisher("t")
p.claim(4)  # given up at once
slot = p.claim(4)
if os.fork() == 0:
    time.sleep(60)  # lives on, with copies of everything
    os._exit(0)
print("claimed", flush=True)
time.sleep(60)
"""


def test_the_death_of_a_parent_is_seen(domain, directory):
    """A child that lives on must not keep the claim of its dead parent alive."""
    s = domain.subscribe("t")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], env={**os.environ, "RINGCAST_SHM_DIR": directory}, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert parent.stdout.readline() == b"claimed\n"
        with domain.publisher("t") as p:
            p.publish(b"behind")  # behind the open claim
            parent.kill()
            parent.wait()
            assert bytes(s.next(PATIENCE)) == b"behind"
            assert p.info().quarantined + p.info().recovered >= 1
    finally:
        os.killpg(parent.pid, signal.SIGKILL)  # the child, which is of its session
        parent.stdout.close()


ENDINGS = {
    "nothing closed": "",
    "sys.exit in a with block": "import sys\nwith d:\n    sys.exit(0)",
    "globals in a cycle": "cycle = [d, s, p, m, view, slot]\ncycle.append(cycle)\ndel d, s, p, m, view, slot",
    "a daemon thread waits": "import threading, time\nthreading.Thread(target=lambda: list(s), daemon=True).start()\ntime.sleep(0.1)",
    "a daemon thread waits for room": "import threading, time\nq = d.subscribe('q'); w = d.publisher('q', slots=64)\n"
    "def fill():\n    while True: w.publish(b'')\nthreading.Thread(target=fill, daemon=True).start()\ntime.sleep(0.1)",
    "daemon threads at work": "import threading, time\nr, u = d.subscribe('u'), d.publisher('u')\n"
    "def send():\n    while True: u.publish(bytes(100000))\ndef take():\n    for x in r: x.data\n"
    "for f in (send, take): threading.Thread(target=f, daemon=True).start()\ntime.sleep(0.2)",
    "an exit handler uses them": "import atexit\natexit.register(lambda: p.closed)",
    "a finaliser uses them": "class F:\n    def __del__(self):\n        try: print(s.poll())\n        except Exception as e: pass\nf = F()",
    "an array lives on": "import builtins, numpy\nbuiltins.kept = numpy.frombuffer(m, 'u1')",
    "a descriptor is watched": "s.fileno()",
}


@pytest.mark.parametrize("how", ENDINGS)
def test_interpreter_shutdown(program, how):
    begin = (
        "import ringcast\nd = ringcast.Domain()\ns, p = d.subscribe('t'), d.publisher('t')\n"
        "p.publish(b'x')\nm = s.next()\nview = m.data\nslot = d.publisher('o').claim(3)\n"
    )
    program(begin + ENDINGS[how], options=["-X", "faulthandler"])


def test_another_process_sees_us_leave(program, domain):
    """What ends without close is closed: its subscription holds nobody up."""
    program("import ringcast\nd = ringcast.Domain()\ns = d.subscribe('t')")
    with domain.publisher("t", slots=64) as p:
        for _ in range(200):
            p.publish(b"", 0)


def test_control_c_ends_a_wait(directory):
    text = (
        "import signal, ringcast\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job has it ignored
        "with ringcast.Domain() as d, d.subscribe('t') as s:\n    print('waits', flush=True)\n    for m in s: pass"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", text],
        env={**os.environ, "RINGCAST_SHM_DIR": directory},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"waits\n"
    time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=PATIENCE)
    assert child.returncode != 0 and b"KeyboardInterrupt" in errors


def test_a_killed_member_is_told_of(directory, domain):
    text = (
        "import ringcast, time\nwith ringcast.Domain() as d, d.subscribe('jobs', group='g') as s:\n"
        "    print('joined', flush=True)\n    m = s.next()\n    print('holds', m.sequence, flush=True)\n    time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", text], env={**os.environ, "RINGCAST_SHM_DIR": directory}, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"joined\n"
    with domain.publisher("jobs") as p:
        p.publish(b"job")
        assert child.stdout.readline() == b"holds 1\n"
        with domain.subscribe("jobs", group="g") as s:
            child.kill()
            child.wait()
            child.stdout.close()
            event = s.next(PATIENCE)
            assert isinstance(event, ringcast.Abandoned) and event.sequence == 1 and event.source == p.source
            assert "message 1 of" in repr(event) and event.taker.index != domain.address.index
    gc.collect()
