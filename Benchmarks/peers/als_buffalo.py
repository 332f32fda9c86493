"""als_buffalo.py THREADS FOLDER FACTORS ITERATIONS ALPHA REGULARIZATION: buffalo's ALS with its exact solver `llt`.

It runs in an environment of its own, since buffalo asks for NumPy 1.24.
"""

import sys

from pathlib import Path

import buffalo.data
from buffalo import ALS, ALSOption, MatrixMarketOptions
from buffalo.misc import log

from als_data import history, objective
from common import Stopwatch, peak_memory, report

threads, folder, factors, iterations, alpha, regularization = sys.argv[1:]
alpha, regularization = float(alpha), float(regularization)

log.set_log_level(log.WARN)
data = MatrixMarketOptions().get_default_option()
data.input.main = f"{folder}/train.mm"
# All that is there is trained on. What buffalo makes of the file is kept for the next time.
kept, part = Path(folder) / "buffalo.h5py", Path(folder) / "buffalo.h5py.part"
data.data.update({"validation": {}, "use_cache": True, "tmp_dir": folder})
if not kept.exists():
    part.unlink(missing_ok=True)
    data.data.path = str(part)
    made = buffalo.data.load(data)
    made.create()
    made.close()
    part.replace(kept)
data.data.path = str(kept)
options = ALSOption().get_default_option()
options.update({"optimizer": "llt", "d": int(factors), "num_iters": int(iterations), "num_workers": int(threads)})
options.update({"alpha": alpha, "reg_u": regularization, "reg_i": regularization, "random_seed": 42})
options.update({"compute_loss_on_training": False, "evaluation_on_learning": False})

model = ALS(options, data_opt=data)
model.initialize()
# What `train` does in an iteration, timed.
seconds, buffer = [], model._get_buffer()
for _ in range(int(iterations)):
    clock = Stopwatch()
    model._iterate(buffer, group="rowwise")
    model._iterate(buffer, group="colwise")
    seconds.append(clock.seconds)
peak = peak_memory()
loss = objective(history(folder), model.P, model.Q, alpha, regularization)
report(epoch_seconds=seconds, objective=loss, peak_memory_bytes=peak)
