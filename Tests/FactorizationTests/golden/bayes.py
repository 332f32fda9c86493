"""Golden files of Bayesian matrix factorisation, by NumPy in double precision:

    python bayes.py

bayes.safetensors: a Normal–Wishart posterior by the formulas of Salakhutdinov & Mnih 2008, equation 14 (with the mean's
outer products as they stand there), and a row's conditional: the posterior of a linear regression with known noise.
"""

import numpy as np
from safetensors.numpy import save_file

random = np.random.default_rng(11)
n, rows = 4, 9
x = random.normal(size=(rows, n)) @ random.normal(size=(n, n)) + [1, -2, 0.5, 0]
m0, beta0, nu0 = np.array([0.5, -0.5, 1, 0]), 2.0, 6.0
w0 = np.linalg.inv(np.cov(random.normal(size=(12, n)).T))
mean = x.mean(axis=0)
covariance = (x - mean).T @ (x - mean) / rows
between = beta0 * rows / (beta0 + rows) * np.outer(m0 - mean, m0 - mean)
posterior = np.linalg.inv(w0) + rows * covariance + between
golden = {
    "rows": x,
    "prior.mean": m0,
    "prior.inverse_scale": np.linalg.inv(w0),
    "posterior.mean": (beta0 * m0 + rows * mean) / (beta0 + rows),
    "posterior.inverse_scale": posterior,
    "strengths": np.array([beta0, nu0, beta0 + rows, nu0 + rows]),
}

# Ratings of one user: r = mu + b_i + q_i · p + b_u + noise of precision alpha, (p, b_u) normal.
k, items, alpha, mu = 3, 8, 1.7, 3.25
q, bias = random.normal(size=(items, k)).astype(np.float32), random.normal(size=items).astype(np.float32)
rated = np.array([0, 2, 3, 5, 7], dtype=np.uint32)
ratings = (random.integers(1, 11, size=len(rated)) / 2).astype(np.float32)
prior_mean, root = random.normal(size=k + 1), random.normal(size=(k + 1, 6))
precision = root @ root.T
y = np.hstack([q[rated], np.ones((len(rated), 1))]).astype(float)
target = ratings.astype(float) - mu - bias[rated]
covariance = np.linalg.inv(precision + alpha * y.T @ y)
golden |= {
    "row.factors": q,
    "row.biases": bias,
    "row.rated": rated,
    "row.ratings": ratings,
    "row.prior_mean": prior_mean,
    "row.prior_precision": precision,
    "row.known": np.array([alpha, mu]),
    "row.mean": covariance @ (precision @ prior_mean + alpha * y.T @ target),
    "row.covariance": covariance,
}
save_file({name: np.ascontiguousarray(value) for name, value in golden.items()}, "bayes.safetensors")
