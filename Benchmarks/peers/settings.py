"""What is compared, with which parameters. Everything that somebody may want to argue with is here."""

# How often every measurement is taken; medians count.
ROUNDS = 3

# Sizes of `starling data generate --like`: for everything, and for Adam besides.
LARGE, SMALL = "ml-20m", "ml-1m"

READERS = {
    "pandas-c": "pandas, C engine",
    "pandas-pyarrow": "pandas, pyarrow engine",
    "polars": "polars",
    "pyarrow": "pyarrow",
}

FACTORS = (64, 128)

# LIBMF gets the best of these rates and penalties, each trained until two epochs in a row were worse than its best, and
# before that the fastest of these numbers of blocks a side (26 is its default), timed over three epochs. Both
# are kept in results/libmf-grid.json and not searched for again.
LIBMF_RATES = {64: (0.05, 0.1, 0.2), 128: (0.03, 0.05, 0.1)}
LIBMF_PENALTIES = {64: (0.02, 0.03, 0.04), 128: (0.02, 0.03, 0.04)}
LIBMF_BLOCKS = (26, 40, 64)
LIBMF_BLOCKS_RATE, LIBMF_BLOCKS_PENALTY = 0.1, 0.04
LIBMF_MOST_EPOCHS = 30
LIBMF_RISES = 2

# Speed is measured over epochs 2 to 6, so there are as many.
LEAST_EPOCHS = 6

# Options of `starling train mf`, beside --factors: for as many epochs as LIBMF takes to its best, and to be there in the
# least time. Both were chosen on the validation part, as LIBMF's are.
STARLING_SAME_EPOCHS = {
    64: ["--learning-rate", "0.03", "--regularization", "0.04"],
    128: ["--learning-rate", "0.02", "--regularization", "0.04"],
}
_ADAGRAD = ["--optimizer", "adagrad", "--epochs", "3", "--learning-rate", "0.15", "--regularization"]
STARLING_FASTEST = {64: [*_ADAGRAD, "0.025"], 128: [*_ADAGRAD, "0.03"]}

# The ordinary PyTorch loop over the large set: so many batches of 2048 are timed.
TORCH_RATE = 0.002
TORCH_DENSE_BATCHES = {64: 100, 128: 60}

# Adam with batches of 2048: no penalty and a constant rate, which is all that SparseAdam has. Both sides train as many
# epochs; on the large set PyTorch does that once, for its RMSE, and so many of its batches are timed.
ADAM_FACTORS, ADAM_RATE, ADAM_EPOCHS = 64, 0.002, 4
ADAM_LARGE_EPOCHS, ADAM_LARGE_BATCHES = 2, 400

# Alternating least squares: the weights of implicit's tutorial. So many iterations each; those after the first are
# timed, and the objective is that after the last. Implicit's exact solver and Spark take minutes, and so one round only;
# Spark is timed over so many iterations and gets so much memory.
ALS_ALPHA, ALS_REGULARIZATION = 2.0, 0.05
ALS_ITERATIONS = 4
ALS_SPARK_FACTORS, ALS_SPARK_ITERATIONS, ALS_SPARK_MEMORY = 64, 2, "10g"

# What `als-scaling` trains on: so many ratings, by users who give as many each as those of ml-20m, of as many items as there
ALS_SCALING, ALS_SCALING_FACTORS = (5_000_000, 10_000_000, 20_000_000, 40_000_000), 64
ALS_SCALING_RATINGS_A_USER, ALS_SCALING_ITEMS = 144.4, 26_744

# Items in a list of the ranking. Implicit recommends to so many users, the first ones, since all take it minutes; what is
# compared are users a second.
COUNT = 100
IMPLICIT_USERS = 30_000

# What `STARLING_ISA` chooses from, each measured once: vectors of other widths do the same work.
INSTRUCTION_SETS = ("baseline", "avx2", "avx512", "avx512vnni")
ISA_EPOCHS = 3

# Ratios nearer to 1 than this are noise on a shared machine, and not claimed.
MARGIN = 1.3

# Samples written to shards and read again: ours, and what a peer that takes one at a time gets through in seconds.
STREAM_SAMPLES = 5_000_000
MOSAIC_WRITTEN, MOSAIC_READ = 200_000, 40_000
