"""Computes product(n) many times: product.py loop|threads|processes WORKERS COUNT N.

The same loop as gaits's `cpu product`, on Python's exact integers.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pool

from stopwatch import Stopwatch


def product(n):
    total = 1
    for i in range(1, n):
        for j in range(1, n):
            for k in range(1, n):
                total *= i * j * k
    return total.bit_length()


def main():
    way, workers, count, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    with Stopwatch() as watch:
        if way == "loop":
            lengths = [product(n) for _ in range(count)]
        elif way == "threads":
            with ThreadPoolExecutor(workers) as pool:
                lengths = list(pool.map(product, [n] * count))
        else:
            with Pool(workers) as pool:
                lengths = pool.map(product, [n] * count, chunksize=1)
                pool.close()
                pool.join()
        # With n = 30 it has 259,370 bits.
        watch.done = sum(length == 259_370 or n != 30 for length in lengths)
        watch.failed = count - watch.done


if __name__ == "__main__":
    main()
