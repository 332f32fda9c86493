"""read_peers.py THREADS READER FILE: one reader reads a ratings file into its own table, nothing more."""

import sys

from common import Stopwatch, peak_memory, report

threads, reader, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]

if reader == "polars":
    import polars

    read = polars.read_csv
elif reader == "pyarrow":
    import pyarrow
    import pyarrow.csv

    pyarrow.set_cpu_count(threads)
    read = pyarrow.csv.read_csv
elif reader == "pandas-pyarrow":
    import pandas
    import pyarrow
    import pyarrow.csv

    pyarrow.set_cpu_count(threads)
    read = lambda path: pandas.read_csv(path, engine="pyarrow")
elif reader == "pandas-c":
    import pandas

    read = pandas.read_csv
else:
    sys.exit(f"no reader {reader}")

clock = Stopwatch()
table = read(path)
seconds = clock.seconds
report(rows=len(table), seconds=seconds, peak_memory_bytes=peak_memory())
