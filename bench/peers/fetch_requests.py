"""Fetches one URL many times with requests: fetch_requests.py loop|threads|processes WORKERS COUNT URL.

Each worker has a session of its own, which keeps its connection.
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pool

import requests

from stopwatch import Stopwatch

local = threading.local()


def fetch(url):
    session = getattr(local, "session", None)
    if session is None:
        session = local.session = requests.Session()
    response = session.get(url)
    response.content
    return response.status_code


def main():
    way, workers, count, url = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    urls = [url] * count
    with Stopwatch() as watch:
        if way == "loop":
            watch.count(fetch(url) for url in urls)
        elif way == "threads":
            with ThreadPoolExecutor(workers) as pool:
                watch.count(pool.map(fetch, urls))
        else:
            with Pool(workers) as pool:
                watch.count(pool.map(fetch, urls))
                pool.close()
                pool.join()


if __name__ == "__main__":
    main()
