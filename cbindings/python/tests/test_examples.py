"""The programs of examples/python, and those of the guide."""

import os
import signal
import subprocess
import sys

import pytest

import ringcast

from conftest import PATIENCE, checkout

EXAMPLES = checkout() / "examples/python"


@pytest.fixture
def start(directory):
    """Starts a program; each is ended with the test."""
    running = []

    def start(name, *args):
        p = subprocess.Popen(
            [sys.executable, "-u", str(EXAMPLES / name), *args],
            env={**os.environ, "RINGCAST_SHM_DIR": directory},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(p)
        return p

    yield start
    for p in running:
        p.kill()
        p.wait()
        for f in (p.stdin, p.stdout, p.stderr):
            f.close()


def finished(p, text=None):
    out, errors = p.communicate(text, timeout=PATIENCE)
    assert p.returncode == 0, errors
    return out


def test_publish_and_subscribe(start):
    subscribe = start("subscribe.py", "greetings", "2")
    assert subscribe.stderr.readline() == "subscribed to greetings\n"
    assert finished(start("publish.py", "greetings"), "hello\nworld\n") == ""
    assert finished(subscribe) == "hello\nworld\n"


@pytest.mark.parametrize("name", ["publish.py", "subscribe.py", "async_echo.py", "serve.py", "ask.py"])
def test_usage(start, name):
    p = start(name)
    assert "usage:" in p.communicate(timeout=PATIENCE)[1] and p.returncode == 1


def test_async_echo(start, domain):
    with domain.subscribe("back") as back:
        echo = start("async_echo.py", "back", "a", "b")
        assert {echo.stderr.readline(), echo.stderr.readline()} == {"subscribed to a\n", "subscribed to b\n"}
        with domain.publisher("a") as a, domain.publisher("b") as b:
            for p in (a, b):
                p.publish(b"1")
                p.publish(b"end")
            assert sorted(bytes(back.next(PATIENCE)) for _ in range(4)) == [b"1", b"1", b"end", b"end"]
        finished(echo)


def test_worker(start, domain):
    workers = [start("worker.py", "jobs") for _ in range(2)]
    for w in workers:
        assert "joined" in w.stderr.readline()
    with domain.publisher("jobs") as p:
        for i in range(20):
            p.publish(b"job %d" % i)
        for _ in workers:
            p.publish(b"end")
    lines = "".join(finished(w) for w in workers).splitlines()
    assert sorted(lines) == sorted(f"{i + 1}: job {i}" for i in range(20))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("how", [[], ["--async"]])
def test_serve_and_ask(start, how, number):
    server = start("serve.py", "upper", *how)
    assert server.stderr.readline() == "serving upper\n"
    assert finished(start("ask.py", "upper", *(f"text {i}" for i in range(50)))) == "".join(f"TEXT {i}\n" for i in range(50))
    fails = start("ask.py", "upper", "a", "")
    out, errors = fails.communicate(timeout=PATIENCE)
    assert (fails.returncode, out, errors) == (1, "A\n", "say something (code 22)\n")
    server.send_signal(number)
    out, errors = server.communicate(timeout=PATIENCE)
    assert (server.returncode, out, errors) == (0, "", "")


def test_flatbuffers(start):
    assert finished(start("inplace.py")) == "order 7 of ada: 2 of tea\n"


def test_events_are_shown(start, domain):
    """A stream of the guide's loop that missed something says so."""
    with domain.publisher("t", slots=64, mode=ringcast.RingMode.LATEST) as p:
        subscribe = start("subscribe.py", "t", "3")
        assert subscribe.stderr.readline() == "subscribed to t\n"
        for _ in range(3):
            p.publish(b"x")
        assert finished(subscribe) == "x\nx\nx\n"
