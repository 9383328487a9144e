"""Publishes lines of the standard input on a topic: publish.py TOPIC"""

import sys

import ringcast


def main(topic: str) -> None:
    with ringcast.Domain() as domain, domain.publisher(topic) as publisher:
        for line in sys.stdin.buffer:
            publisher.publish(line.rstrip(b"\n"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} TOPIC")
    main(sys.argv[1])
