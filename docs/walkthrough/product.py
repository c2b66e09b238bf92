"""A function that only computes: in a loop, on ten threads, or on two processes."""

import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def product(n):
    total = 1
    for i in range(1, n):
        for j in range(1, n):
            for k in range(1, n):
                total *= i * j * k
    return total


def main(way, n, count):
    numbers = [n] * count
    if way == "loop":
        results = [product(n) for n in numbers]
    else:
        pools = {"threads": (ThreadPoolExecutor, 10), "processes": (ProcessPoolExecutor, 2)}
        pool, workers = pools[way]
        with pool(max_workers=workers) as executor:
            results = list(executor.map(product, numbers))
    assert len(set(results)) == 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
