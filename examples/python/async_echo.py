"""Answers on one topic what comes on others, all in one event loop: async_echo.py TO TOPIC..."""

import asyncio
import sys

import ringcast


async def echo(domain: ringcast.Domain, topic: str, to: ringcast.Publisher) -> None:
    with domain.subscribe(topic) as subscription:
        print(f"subscribed to {topic}", file=sys.stderr, flush=True)
        async for item in subscription:
            if isinstance(item, ringcast.Message):
                await to.publish_async(item)
                if item.data == b"end":
                    return


async def main(to: str, *topics: str) -> None:
    with ringcast.Domain() as domain, domain.publisher(to) as publisher:
        await asyncio.gather(*(echo(domain, topic, publisher) for topic in topics))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} TO TOPIC...")
    asyncio.run(main(*sys.argv[1:]))
