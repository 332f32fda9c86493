"""Mean and variance of a normal taste rounded to half stars and clipped to 0.5…5, by SciPy's normal distribution.

python ratings.py > ratings.json
"""
import json

import numpy as np
from scipy.stats import norm

levels = np.arange(0.5, 5.01, 0.5)
edges = np.concatenate([[-np.inf], (levels[1:] + levels[:-1]) / 2, [np.inf]])
rows = []
for mean in [-3.0, 0.5, 0.75, 1.3, 2.6, 3.55, 4.2, 4.75, 5.5, 9.0]:
    for deviation in [0.05, 0.4, 0.84, 2.0]:
        # Differences of survival functions on the upper side, of distribution functions on the lower.
        z = (edges - mean) / deviation
        p = np.where(z[:-1] > 0, norm.sf(z[:-1]) - norm.sf(z[1:]), norm.cdf(z[1:]) - norm.cdf(z[:-1]))
        expected = float(p @ levels)
        rows.append([mean, deviation, expected, float(p @ (levels - expected) ** 2)])
print(json.dumps(rows))
