"""All requests at once on one event loop, over one session."""

import asyncio
import sys

import aiohttp


async def fetch(session, url):
    async with session.get(url) as response:
        response.raise_for_status()
        await response.read()


async def main(url, count):
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(fetch(session, url) for _ in range(count)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
