"""What the tests share: domains of their own, and patience that no busy machine exhausts."""

import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

import ringcast

PATIENCE = 60.0
"""Bounds what must come, in seconds; it takes a fraction of one."""


@pytest.fixture
def directory():
    """A directory for domains, in memory."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="ringcast-python-") as d:
        yield d


@pytest.fixture
def domain(directory):
    with ringcast.Domain(dir=directory) as d:
        yield d


@pytest.fixture
def pair(domain):
    """A subscription and a publisher of one topic."""
    with domain.subscribe("t") as s, domain.publisher("t") as p:
        yield s, p


@pytest.fixture
def program(directory):
    """Runs a text as a program of its own in the same directory, and returns what it printed."""

    def run(text, *args, ok=True, **more):
        done = subprocess.run(
            [sys.executable, *more.pop("options", ["-X", "dev", "-W", "error"]), "-c", text, *args],
            env={**os.environ, "RINGCAST_SHM_DIR": directory},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            **more,
        )
        assert (done.returncode == 0) == ok, (done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    return run


def checkout():
    """The root of the repository."""
    return pathlib.Path(__file__).resolve().parents[3]
