"""Ten threads, each with a session of its own."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import requests

local = threading.local()


def fetch(url):
    if not hasattr(local, "session"):
        local.session = requests.Session()
    local.session.get(url).raise_for_status()


def main(url, count):
    with ThreadPoolExecutor(max_workers=10) as executor:
        # The results are asked for, so that an error is not lost.
        list(executor.map(fetch, [url] * count))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
