"""Four processes, each with a session that its initializer makes."""

import sys
from multiprocessing import Pool

import requests

session = None


def open_session():
    global session
    session = requests.Session()


def fetch(url):
    session.get(url).raise_for_status()


def main(url, count):
    with Pool(4, initializer=open_session) as pool:
        pool.map(fetch, [url] * count, chunksize=1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
