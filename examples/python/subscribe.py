"""Prints the messages of a topic or a pattern, a line each: subscribe.py TOPIC [COUNT]"""

import sys
from typing import Optional

import ringcast


def main(topic: str, count: Optional[int]) -> None:
    with ringcast.Domain() as domain, domain.subscribe(topic) as subscription:
        print(f"subscribed to {topic}", file=sys.stderr, flush=True)
        for item in subscription:
            if not isinstance(item, ringcast.Message):
                print(item, file=sys.stderr)  # an event: something was missed
                continue
            sys.stdout.buffer.write(item.data)
            sys.stdout.buffer.write(b"\n")
            sys.stdout.buffer.flush()
            if count is not None:
                count -= 1
                if count == 0:
                    return


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(f"usage: {sys.argv[0]} TOPIC [COUNT]")
    try:
        main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else None)
    except KeyboardInterrupt:
        pass
