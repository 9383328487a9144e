"""Takes jobs that it shares with the other workers, until one is "end": worker.py TOPIC"""

import sys

import ringcast


def main(topic: str) -> None:
    with ringcast.Domain() as domain, domain.subscribe(topic, group="workers") as jobs:
        print("joined the workers", file=sys.stderr, flush=True)
        for item in jobs:
            if isinstance(item, ringcast.Abandoned):
                print(f"worker {item.taker} died with message {item.sequence} in hand", file=sys.stderr)
            elif isinstance(item, ringcast.Message):
                if item.data == b"end":
                    return
                print(f"{item.sequence}: {bytes(item).decode()}", flush=True)
                # The next step says that it was handled; if this process dies before, others are told.


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} TOPIC")
    main(sys.argv[1])
