"""Types, documentation, and the syntax of the oldest Python."""

import ast
import inspect
import re
import subprocess
import sys

import pytest

import ringcast

from conftest import PATIENCE, checkout

PACKAGE = checkout() / "cbindings/python"
SOURCES = sorted((PACKAGE / "ringcast").glob("*.py*")) + sorted(PACKAGE.glob("*.py"))
PROGRAMS = sorted((checkout() / "examples/python").glob("*.py")) + [checkout() / "cbindings/conformance/python/peer.py"]

USER = """
import asyncio
from typing import assert_type, Optional, Union
import ringcast

def use() -> None:
    with ringcast.Domain("d", dir="/nowhere", wait=ringcast.Wait.SPIN) as d:
        with d.publisher("t", kind=ringcast.RingKind.EXCLUSIVE) as p, d.subscribe("t", copies=True) as s:
            p.publish(bytearray(3), timeout=1, content=ringcast.Content.FIELDS)
            with p.claim(3) as data:
                assert_type(data, memoryview)
            for item in s:
                assert_type(item, Union[ringcast.Message, ringcast.Event])
                if isinstance(item, ringcast.Message):
                    assert_type(item.data, memoryview)
                    assert_type(bytes(item), bytes)
                    assert_type(item.source, ringcast.Address)
                elif isinstance(item, ringcast.Lagged):
                    assert_type(item.count, int)
            assert_type(s.poll(), Union[ringcast.Message, ringcast.Event, None])
            for m in s.messages(on_event=print):
                assert_type(m, ringcast.Message)

async def tasks(d: ringcast.Domain) -> None:
    async for item in d.subscribe("t"):
        await d.publisher("u").publish_async(b"x")
"""

WRONG = """
import ringcast
d = ringcast.Domain(7)
d.publisher("t").publish("text")
d.publisher("t", kind="exclusive")
for item in d.subscribe("t"):
    item.data
"""


def mypy(*args):
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", "/dev/null", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE,
        cwd=PACKAGE,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_package_is_typed():
    code, text = mypy(*(p for p in SOURCES if p.parent.name == "ringcast"))
    assert code == 0, text


def test_programs_of_users_are_checked(tmp_path):
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "wrong.py").write_text(WRONG)
    code, text = mypy(tmp_path / "user.py", checkout() / "examples/python/publish.py", checkout() / "examples/python/subscribe.py")
    assert code == 0, text
    code, text = mypy(tmp_path / "wrong.py")
    assert code == 1 and sorted({int(line.split(":")[1]) for line in text.splitlines() if ": error:" in line}) == [3, 4, 5, 7], text


def test_the_guide_is_typed(tmp_path):
    """Every block of the guide is a program, once it has the texts that it takes for granted."""
    blocks = re.findall(r"^```python\n(.*?)^```$", (checkout() / "doc/python.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 3
    for i, block in enumerate(blocks):
        (tmp_path / f"guide{i}.py").write_text("import ringcast\ntexts = [b'']\n" + block)
    code, text = mypy(*tmp_path.glob("*.py"))
    assert code == 0, text


@pytest.mark.parametrize("path", [str(p.relative_to(checkout())) for p in SOURCES + PROGRAMS if p.suffix == ".py"])
def test_syntax_of_python_3_9(path):
    text = (checkout() / path).read_text()
    tree = ast.parse(text, feature_version=(3, 9))
    lazy = "from __future__ import annotations" in text
    for node in ast.walk(tree):
        assert lazy or not (isinstance(node, ast.arg) and isinstance(node.annotation, ast.BinOp)), f"line {node.lineno}: X | Y in an annotation"


@pytest.mark.parametrize("name", ringcast.__all__)
def test_everything_is_documented(name):
    thing = getattr(ringcast, name)
    if not isinstance(thing, type):
        assert name == "Item" or inspect.getdoc(thing)
        return
    assert inspect.getdoc(thing) != inspect.getdoc(thing.__mro__[1])
    for member, value in vars(thing).items():
        described = callable(value) or isinstance(value, property) or inspect.isgetsetdescriptor(value)
        if described and not member.startswith("_"):
            assert inspect.getdoc(value), f"{name}.{member}"


def test_signatures_can_be_read():
    assert str(inspect.signature(ringcast.Publisher.claim)) == "(size=None, timeout=None)"
    assert "content=0" in str(inspect.signature(ringcast.Publisher.publish))
