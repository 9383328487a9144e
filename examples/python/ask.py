"""Asks a service, many times at once: ask.py NAME TEXT..."""

import asyncio
import sys

import ringcast


async def main(name: str, *texts: str) -> int:
    failed = 0
    with ringcast.Domain() as domain:
        asked = [domain.ask(name, text.encode()) for text in texts]  # none waits for another
        for pending in asked:
            try:
                print((await pending).data.decode())
            except ringcast.Error as error:  # each way in which a request may end has an exception of its own
                print(error, file=sys.stderr)
                failed = 1
    return failed


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} NAME TEXT...")
    sys.exit(asyncio.run(main(*sys.argv[1:])))
