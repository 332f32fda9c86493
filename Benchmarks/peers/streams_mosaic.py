"""streams_mosaic.py THREADS FOLDER WRITTEN READ

Writes samples of {user: int64, item: int64, rating: float32} by mosaicml-streaming's MDSWriter, and reads some of them in
their order by StreamingDataset, in one process. Prints the samples a second of both.
"""

import os
import shutil
import sys
import time

from streaming import MDSWriter, StreamingDataset

from common import report


def main():
    folder, written, read = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    shutil.rmtree(folder, ignore_errors=True)
    started = time.perf_counter()
    with MDSWriter(columns={"user": "int64", "item": "int64", "rating": "float32"}, out=folder) as writer:
        for k in range(written):
            writer.write({"user": k // 100, "item": k * 7919 % 100_000, "rating": k % 10 / 2})
    write = written / (time.perf_counter() - started)
    samples = iter(StreamingDataset(local=folder, batch_size=4096, shuffle=False, num_canonical_nodes=1))
    next(samples)
    started = time.perf_counter()
    for _ in range(read):
        next(samples)
    report(write_rate=write, read_rate=read / (time.perf_counter() - started))
    sys.stdout.flush()
    # Its threads outlive the iterator.
    os._exit(0)


main()
