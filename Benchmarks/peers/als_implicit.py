"""als_implicit.py THREADS FOLDER FACTORS ITERATIONS cholesky|cg ALPHA REGULARIZATION: implicit's ALS on the CPU."""

import sys

from implicit.cpu.als import AlternatingLeastSquares

from als_data import history, objective
from common import peak_memory, report

threads, folder, factors, iterations, solver, alpha, regularization = sys.argv[1:]
alpha, regularization = float(alpha), float(regularization)

ratings = history(folder)
# Implicit takes confidences, and weighs what is not there with 1: what it calls alpha would make them α r, not 1 + α r.
confidences = ratings.copy()
confidences.data = 1 + alpha * confidences.data
model = AlternatingLeastSquares(
    factors=int(factors),
    regularization=regularization,
    use_cg=solver == "cg",
    iterations=int(iterations),
    num_threads=int(threads),
    random_state=42,
)
seconds = []
model.fit(confidences, show_progress=False, callback=lambda iteration, elapsed, loss: seconds.append(elapsed))
peak = peak_memory()
loss = objective(ratings, model.user_factors, model.item_factors, alpha, regularization)
report(epoch_seconds=seconds, objective=loss, peak_memory_bytes=peak)
