"""Messages a second from one Python process to another: Ringcast beside pyzmq over ipc.

    python oneway.py [--seconds 1] [--rounds 3] [--sizes 64,2000] [--ways lease,pyzmq] [--quick]

One process publishes as fast as it can; the other reads the first 8 bytes of each message and the
last. The ways take turns, round by round, so that a noisy machine is noisy to all. Prints a row
of JSON for each way and size: messages a second, the median of the rounds, and their range; `ratio`
is to pyzmq at the same size in the same run. The ways:

    lease    read where it lies, published from bytes
    claim    the same, written into a claimed slot
    copies   each message gets bytes of its own
    async    `async for`, leases
    pyzmq    PUSH and PULL over ipc, its defaults
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import struct
import tempfile
import time

import ringcast

FIRST = struct.Struct("<Q")
END = (1 << 64) - 1


def payloads(size):
    """What is published, and the message that ends it."""
    return bytes(size), FIRST.pack(END) + bytes(max(0, size - 8))


def publish(send, size, seconds):
    """Sends for so long; looks at the clock once for many messages."""
    data, last = payloads(size)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(256):
            send(data)
    send(last)


def ring_publisher(directory, size, seconds, in_place):
    with ringcast.Domain(dir=directory) as domain, domain.publisher("t", slot_size=max(64, size)) as p:
        if not in_place:
            publish(p.publish, size, seconds)
            return

        def send(data):
            with p.claim(size) as slot:
                slot[:] = data

        publish(send, size, seconds)


def read_all(subscription):
    """Messages a second, from the first to the one that ends them."""
    unpack, count = FIRST.unpack_from, 0
    subscription.next()
    begin = time.monotonic()
    for m in subscription:
        data = m.data
        if unpack(data)[0] == END:
            break
        data[-1]
        count += 1
    return count / (time.monotonic() - begin)


async def read_async(subscription):
    """The same in a task."""
    unpack, count = FIRST.unpack_from, 0
    await subscription.__anext__()
    begin = time.monotonic()
    async for m in subscription:
        data = m.data
        if unpack(data)[0] == END:
            break
        data[-1]
        count += 1
    return count / (time.monotonic() - begin)


def through_ring(directory, size, seconds, in_place=False, copies=False, tasks=False):
    with ringcast.Domain(dir=directory) as domain, domain.subscribe("t", copies=copies) as s:
        child = multiprocessing.Process(target=ring_publisher, args=(directory, size, seconds, in_place))
        child.start()
        rate = asyncio.run(read_async(s)) if tasks else read_all(s)
        child.join()
        return rate


def zmq_publisher(address, size, seconds):
    import zmq

    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(address)
        publish(socket.send, size, seconds)


def through_zmq(directory, size, seconds):
    import zmq

    address = "ipc://" + os.path.join(directory, "zmq")
    unpack, count = FIRST.unpack_from, 0
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        socket.bind(address)
        child = multiprocessing.Process(target=zmq_publisher, args=(address, size, seconds))
        child.start()
        receive = socket.recv
        receive()
        begin = time.monotonic()
        while True:
            data = receive()
            if unpack(data)[0] == END:
                break
            data[-1]
            count += 1
        rate = count / (time.monotonic() - begin)
        child.join()
        return rate


WAYS = {
    "pyzmq": through_zmq,
    "lease": through_ring,
    "claim": lambda *args: through_ring(*args, in_place=True),
    "copies": lambda *args: through_ring(*args, copies=True),
    "async": lambda *args: through_ring(*args, tasks=True),
}


def measure(ways, size, seconds, rounds):
    rates = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="ringcast-bench-") as directory:
                rates[way].append(WAYS[way](directory, size, seconds))
    beside = statistics.median(rates.get("pyzmq", [0]))
    for way, found in rates.items():
        middle = statistics.median(found)
        row = {"bench": "oneway", "language": "python", "way": way, "size": size, "per_second": round(middle)}
        row.update(low=round(min(found)), high=round(max(found)), rounds=rounds)
        if beside:
            row.update(ratio=round(middle / beside, 2))
        print(json.dumps(row), flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=1.0, help="of a round")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--sizes", default="64,2000", help="bytes, with commas between")
    options.add_argument("--ways", default=",".join(WAYS), help="of those above, with commas between")
    options.add_argument("--quick", action="store_true", help="one short round of 2000 bytes")
    given = options.parse_args()
    if given.quick:
        given.seconds, given.rounds, given.sizes = 0.4, 1, "2000"
    ways = given.ways.split(",")
    for way in ways:
        if way not in WAYS:
            options.error(f"way {way}: want some of {', '.join(WAYS)}")
    multiprocessing.set_start_method("spawn")
    for size in given.sizes.split(","):
        if int(size) < 8:
            options.error("a message has at least 8 bytes")
        measure(ways, int(size), given.seconds, given.rounds)


if __name__ == "__main__":
    main()
