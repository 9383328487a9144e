"""Whatever others write into the memory: an error or an event, never a crash of the interpreter."""

import os
import random

import pytest

import ringcast

SEED = int(os.environ.get("RINGCAST_SEED") or random.randrange(1 << 32))

# Runs in a process of its own: a crash is its end, and not that of the tests.
SCRIBBLE = """
import glob, mmap, os, random, sys
import numpy
import ringcast

seed, kind, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
rng = random.Random(seed)
nasty = [0, 1, 2**64 - 1, 2**63, 2**64 - 2, 2**44 - 1, (2**44 - 1) << 20, 0xffff << 4 | 1, 4096, 0x7fffffff, 0xffffffff]

def mapped(path):
    with open(path, "r+b") as f:
        return mmap.mmap(f.fileno(), 0)

def scribble(memory, at, words):
    at += rng.randrange(words) * 8
    word = rng.choice(nasty) if rng.random() < 0.7 else rng.randrange(2**64)
    memory[at:at + 8] = word.to_bytes(8, "little")

def use(s):
    touched = 0
    for _ in range(50):
        item = s.poll()
        if item is None:
            break
        if isinstance(item, ringcast.Message):
            touched += sum(bytes(item)) + int(numpy.frombuffer(item, "u1").sum()) + len(repr(item)) + item.schema
        else:
            repr(item)
    return touched

d = ringcast.Domain()
kinds = dict(slots=64, slot_size=128, kind=ringcast.RingKind[kind], mode=ringcast.RingMode[mode])
p = d.publisher("s", **kinds)
reliable, latest = d.subscribe("s"), d.subscribe("s", reading=ringcast.Reading.LATEST, history=32)
base = os.path.join(d.directory, "topics")
for round in range(5):
    control, slots = mapped(os.path.join(base, "s.ctl")), mapped(glob.glob(os.path.join(base, "s.*.dat"))[0])
    for step in range(20):
        where = rng.randrange(4)
        if where == 0:
            scribble(control, 256, 96)
        elif where == 1:
            scribble(control, 1024, (len(control) - 1024) // 8)
        else:
            scribble(slots, 4096 + rng.randrange(64) * 192, 8)
        try:
            p = p or d.publisher("s")
            if rng.random() < 0.5:
                p.publish(bytes(rng.randrange(1000)), 0)
            else:
                with p.claim(rng.randrange(128), 0) as slot:
                    slot[:] = bytes(len(slot))
        except ringcast.FullError:
            pass
        except ringcast.Error as e:
            if p is not None:
                p.close()
            p = None
        for s in (reliable, latest):
            try:
                use(s)
            except ringcast.Error as e:
                assert str(e)
print("survived")
"""


@pytest.mark.parametrize("kind", ["SHARED", "EXCLUSIVE"])
@pytest.mark.parametrize("mode", ["RELIABLE", "LATEST"])
def test_scribbled_ring(program, kind, mode):
    print(f"RINGCAST_SEED={SEED} repeats it")
    assert "survived" in program(SCRIBBLE, str(SEED), kind, mode, options=["-X", "faulthandler"])


def test_slots_with_impossible_bytes_are_told_of(domain):
    """A length beyond the slot is an event at its place; reading goes on behind it."""
    import glob
    import mmap

    with domain.subscribe("d") as s, domain.publisher("d", slots=64, slot_size=128) as p:
        p.publish(b"a")
        p.publish(b"b")
        (path,) = glob.glob(os.path.join(domain.directory, "topics", "d.*.dat"))
        with open(path, "r+b") as f, mmap.mmap(f.fileno(), 0) as memory:
            memory[4096 + 12 : 4096 + 16] = b"\xff\xff\xff\x7f"  # payload_length of position 0
        event = s.next(60)
        assert isinstance(event, ringcast.Damaged) and event.position == 0 and "position 0" in repr(event)
        assert bytes(s.next(60)) == b"b"


@pytest.mark.parametrize(
    "content, error",
    [
        (b"GARBAGE!" * 100, ringcast.NotOursError),
        (b"", ringcast.NotOursError),
        (b"RINGCAST" + b"\xff" * 1000, ringcast.OtherVersionError),
    ],
)
def test_a_domain_of_nonsense(directory, content, error):
    os.makedirs(os.path.join(directory, "default"), mode=0o700)
    with open(os.path.join(directory, "default", "node"), "wb") as f:
        f.write(content)
    with pytest.raises(error, match="node"):
        ringcast.Domain(dir=directory)
