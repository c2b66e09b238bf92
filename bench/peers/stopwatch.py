"""Times a block and prints the one line of JSON that the harness reads."""

import json
import resource
import time


def _cpu():
    """Processor time of this process and of the children it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


class Stopwatch:
    """Runs from `with` until its end; `done` and `failed` are to be set inside."""

    def __init__(self):
        self.done = 0
        self.failed = 0

    def count(self, statuses):
        """Counts HTTP statuses: 200 is done, anything else has failed."""
        for status in statuses:
            if status == 200:
                self.done += 1
            else:
                self.failed += 1

    def __enter__(self):
        self._cpu = _cpu()
        self._began = time.perf_counter()
        return self

    def __exit__(self, kind, value, traceback):
        seconds = time.perf_counter() - self._began
        cpu_seconds = _cpu() - self._cpu
        if kind is None:
            print(
                json.dumps(
                    {
                        "done": self.done,
                        "failed": self.failed,
                        "seconds": seconds,
                        "cpu_seconds": cpu_seconds,
                    }
                )
            )
