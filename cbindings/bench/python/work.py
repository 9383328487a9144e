"""The Python package as a contender of package bench: streams and round trips between two
processes, written in claimed slots and read where they lie, every byte, with numpy.

    python work.py --scenario stream|pingpong --size N --duration-ns N --warmup-ns N --slots N
                   --exclusive 0|1 --wait spin|block|yield --pin A,B

Prints one line of JSON: messages or round trips a second, and latencies in ns. The flags and the
payload are those of bench/limits/work.h.
"""

import argparse
import json
import mmap
import os
import sys
import tempfile
import time

import numpy

import ringcast

LAST_MARK = 1 << 63
PATIENCE = 30.0
READY, STOP = 0, 2  # bytes of the page that the two processes share


def flags():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--scenario", choices=["stream", "pingpong"], default="stream")
    options.add_argument("--wait", choices=["spin", "block", "yield"], default="spin")
    options.add_argument("--pin", default="-1,-1")
    for name, default in (("size", 64), ("slots", 1024), ("duration-ns", 10**9), ("warmup-ns", 2 * 10**8), ("exclusive", 0)):
        options.add_argument("--" + name, type=int, default=default)
    for name in ("pause-ns", "producers", "readers"):  # of other scenarios
        options.add_argument("--" + name, type=int, default=1)
    given = options.parse_args()
    if given.size < 16 or given.size % 8:
        options.error("size: want a multiple of 8 from 16")
    return given


class Side:
    """One of the two processes: what it writes, and what it reads."""

    def __init__(self, given, directory, writes, reads):
        self.domain = ringcast.Domain(dir=directory, wait=ringcast.Wait[given.wait.upper()])
        kind = ringcast.RingKind.EXCLUSIVE if given.exclusive else ringcast.RingKind.SHARED
        size = (given.size + 63) & ~63
        self.size, words = given.size, given.size // 8
        self.count = numpy.arange(words, dtype=numpy.uint64)
        self.sum = words * (words - 1) // 2 - 1  # of what fill adds, without the word of the time
        if reads:
            self.subscription = self.domain.subscribe(reads)
        if writes:
            self.publisher = self.domain.publisher(
                writes, slots=given.slots, slot_size=size, mode=ringcast.RingMode.RELIABLE, kind=kind
            )

    def put(self, tag, stamp=0):
        """Word 0 is the tag, word 1 a time, word k tag + k."""
        while True:
            try:
                with self.publisher.claim(self.size, PATIENCE) as slot:
                    words = numpy.frombuffer(slot, numpy.uint64)
                    numpy.add(self.count, numpy.uint64(tag), out=words)
                    words[1] = stamp
                    del words
                return
            except ringcast.FencedError:
                pass

    def take(self):
        """Reads all of a message: its tag and its time."""
        m = self.subscription.next(PATIENCE)
        if not isinstance(m, ringcast.Message):
            sys.exit(f"{m}")
        words = numpy.frombuffer(m, numpy.uint64)
        tag, stamp = int(words[0]), int(words[1])
        want = (len(words) - 1) * tag + self.sum + stamp
        if len(m) != self.size or int(words.sum()) != want & (2**64 - 1):
            sys.exit(f"{m} is not what was written")
        return tag, stamp


class Window:
    """What is measured: from the end of the warm-up on, for so long."""

    def __init__(self, given):
        self.start = time.monotonic_ns() + given.warmup_ns
        self.end = self.start + given.duration_ns
        self.open, self.first, self.counted, self.begin, self.close = False, 0, 0, 0, 0

    def turn(self, n, now):
        """False when it is over."""
        if not self.open:
            if now >= self.start:
                self.open, self.first, self.begin = True, n, now
            return True
        if now < self.end:
            return True
        self.counted, self.close = n - self.first, now
        return False

    def rate(self):
        return self.counted * 1e9 / (self.close - self.begin)


def meet(page):
    """Both sides have joined and subscribed; each sets a byte of its own."""
    while page[READY] == 0 or page[READY + 1] == 0:
        time.sleep(0)


def produce(given, directory, page):
    side = Side(given, directory, "there", None)
    page[READY + 1] = 1
    meet(page)
    n = 0
    while page[STOP] == 0:
        n += 1
        side.put(n)
    side.put((n + 1) | LAST_MARK)
    side.domain.close()


def consume(given, directory, page):
    side = Side(given, directory, None, "there")
    page[READY] = 1
    meet(page)
    window, n = Window(given), 0
    while True:
        tag, _ = side.take()
        if tag & LAST_MARK:
            break
        n += 1
        if tag != n:
            sys.exit("order of messages")
        if n % 256 == 0 and window.close == 0 and not window.turn(n, time.monotonic_ns()):
            page[STOP] = 1
    side.domain.close()
    print(json.dumps({"rate": window.rate()}), flush=True)


def ping(given, directory, page):
    side = Side(given, directory, "there", "back")
    page[READY] = 1
    meet(page)
    window, n, times = Window(given), 0, []
    begin = time.monotonic_ns()
    while window.turn(n, begin):
        n += 1
        side.put(n)
        if side.take()[0] != n:
            sys.exit("answer")
        end = time.monotonic_ns()
        if window.open:
            times.append(end - begin)
        begin = end
    side.put(n | LAST_MARK)
    side.domain.close()
    p50, p90, p99, p999 = (int(q) for q in numpy.quantile(times, [0.5, 0.9, 0.99, 0.999]))
    latency = {"count": len(times), "p50": p50, "p90": p90, "p99": p99, "p999": p999, "max": max(times)}
    print(json.dumps({"rate": window.rate(), "latency_ns": latency}), flush=True)


def pong(given, directory, page):
    side = Side(given, directory, "back", "there")
    page[READY + 1] = 1
    meet(page)
    while True:
        tag, stamp = side.take()
        if tag & LAST_MARK:
            break
        side.put(tag, stamp)
    side.domain.close()


def main():
    given = flags()
    first, second = (ping, pong) if given.scenario == "pingpong" else (consume, produce)
    pins = [int(p) for p in given.pin.split(",")]
    page = mmap.mmap(-1, mmap.PAGESIZE)
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="ringcast-bench-") as directory:
        child = os.fork()
        if pins[child == 0] >= 0:
            os.sched_setaffinity(0, {pins[child == 0]})
        if child == 0:
            second(given, directory, page)
            os._exit(0)
        first(given, directory, page)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit("the other process failed")


if __name__ == "__main__":
    main()
