"""What is tried on which data set, for both programs alike many points. Everything that may be argued with is here."""

from itertools import product

# The factors that both may choose from.
FACTORS = (128, 256)

# Starling, by SGD: starting deviation × penalty × factors; rate and epochs, over which the rate falls linearly, are given.
STARLING = {
    "ml-100k": {"rate": 0.03, "epochs": 20, "deviations": (0.1, 0.2), "penalties": (0.055, 0.06, 0.07)},
    "ml-1m": {"rate": 0.02, "epochs": 25, "deviations": (0.05, 0.1), "penalties": (0.025, 0.03, 0.035)},
}

# LIBMF: rate × penalty × factors, and beyond that the best number of epochs up to this one, looked at after each
# epoch until so many in a row were worse than the best.
LIBMF = {
    "ml-100k": {"rates": (0.02, 0.03), "penalties": (0.05, 0.06, 0.07)},
    "ml-1m": {"rates": (0.02, 0.03), "penalties": (0.035, 0.04, 0.05)},
}
LIBMF_MOST_EPOCHS, LIBMF_RISES = 80, 4
LIBMF_BLOCKS = 20  # its default

FOLDS, SEED = 5, 1
# The part of the first fold's training ratings that settings are chosen on.
SPLIT, SPLIT_SEED = "random:0.1", 42

# Bayesian matrix factorisation, which has no rates or penalties to choose: the rank of both programs, and their sweeps.
# Starling has its default burn-in before them, myFM counts all of them.
BAYES = {"ml-100k": 8, "ml-1m": 31}
SAMPLES = 200
# myFM has one thread.
BAYES_THREADS = 2

# Published means of five random folds (80/20): MovieLens-100K, MovieLens-1M.
PUBLISHED = {
    "Surprise, SVD": (0.934, 0.873),
    "Surprise, SVD++": (0.919, 0.862),
    "MyMediaLite, biased MF": (0.911, 0.853),
}


def starling_grid(name) -> list:
    grid = STARLING[name]
    return [
        {
            "factors": k, "epochs": grid["epochs"], "learning-rate": grid["rate"], "regularization": penalty,
            "init-stddev": deviation,
        }
        for k, deviation, penalty in product(FACTORS, grid["deviations"], grid["penalties"])
    ]


def libmf_grid(name) -> list:
    grid = LIBMF[name]
    return [
        {"factors": k, "rate": rate, "penalty": penalty}
        for k, rate, penalty in product(FACTORS, grid["rates"], grid["penalties"])
    ]
