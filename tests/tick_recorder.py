"""
A process that records until it is killed: `python tick_recorder.py FOLDER FLUSH_SECONDS [LIMIT_BYTES]`.

Says the number of the last tick that is older than FLUSH_SECONDS, again and again: that many must be in whole files.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import deque
from pathlib import Path

from tick_file_support import batch, instruments
from tieout.ticks.files.sink import ParquetSink


def main() -> None:
    folder, flush_seconds = Path(sys.argv[1]), float(sys.argv[2])
    if len(sys.argv) > 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    sink = ParquetSink(folder, instruments(), flush_seconds=flush_seconds)
    sink.open()
    print("open", flush=True)
    given: deque[tuple[float, int]] = deque()
    first = 0
    while True:
        sink.take(batch(100, first=first))
        first += 100
        given.append((time.monotonic(), first))
        while given and time.monotonic() - given[0][0] > flush_seconds:
            print(given.popleft()[1], flush=True)
        time.sleep(0.01)


if __name__ == "__main__":
    main()
