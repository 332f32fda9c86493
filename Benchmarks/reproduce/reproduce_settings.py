"""What `reproduce/` trains with. Everything that may be argued with is here."""

ITERATIONS = 15
SEEDS = (1, 2, 3)

# How the columns of a data file are called, where its form is not recognised.
COLUMNS = {"ml-1m": "user=user,item=movie,value=rating,time=time_rank_in_user"}

# Last one out: implicit's grid.
GRIDS = {
    "ml-1m": {"factors": (32, 64, 128), "alphas": (0.25, 1.0, 4.0), "penalties": (1.0, 10.0, 30.0)},
    "ml-100k": {"factors": (16, 32, 64), "alphas": (0.25, 1.0, 4.0), "penalties": (0.1, 1.0, 10.0)},
}

# Strong generalisation: ratings from this one on count, of users who have at least so many; so many users are held out.
STRONG_LEAST_RATING, STRONG_LEAST_HISTORY, STRONG_USERS = 4, 5, 750
STRONG_GRID = {"factors": (64, 128), "alphas": (0.25, 1.0, 4.0), "penalties": (1.0, 10.0, 100.0)}

# yelp2018: this part of each user's training items is for choosing.
YELP_VALIDATION, YELP_SEED = 0.1, 42
YELP_EASE_PENALTIES = (200,)
YELP_IMPLICIT = {"factors": (256,), "alphas": (1.0, 4.0, 16.0), "penalties": (0.1, 1.0, 10.0)}
# Starling's preset for data of this kind: options of `train als`.
YELP_STARLING = {
    "factors": 1024, "iterations": 12, "unobserved-weight": 0.05, "regularization": 0.0025, "regularization-exponent": 1,
    "solver": "cholesky",
}  # fmt: skip
YELP_PUBLISHED = {"EASE": (0.0657, 0.0552), "LightGCN": (0.0649, 0.0530), "MF-BPR": (0.0576, 0.0468)}
