"""One request after the other, over one session."""

import sys

import requests


def main(url, count):
    with requests.Session() as session:
        for _ in range(count):
            response = session.get(url)
            response.raise_for_status()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
