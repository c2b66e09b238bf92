"""Fetches one URL many times with aiohttp, all gathered: fetch_aiohttp.py gather CONNECTIONS COUNT URL."""

import asyncio
import sys

import aiohttp

from stopwatch import Stopwatch


async def fetch(session, url):
    async with session.get(url) as response:
        await response.read()
        return response.status


async def fetch_all(connections, count, url):
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        return await asyncio.gather(*(fetch(session, url) for _ in range(count)))


def main():
    connections, count, url = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    with Stopwatch() as watch:
        watch.count(asyncio.run(fetch_all(connections, count, url)))


if __name__ == "__main__":
    main()
