"""als_spark.py THREADS FOLDER FACTORS ITERATIONS ALPHA REGULARIZATION MEMORY: Spark's implicit ALS, in one process.

Spark tells no times of iterations. So it trains one iteration, which also warms up its compiler, and then one and
ITERATIONS more; the difference counts. Its penalty is another one, regParam times the number of a row's ratings.
"""

import sys

from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession

from common import Stopwatch, report

threads, folder, factors, iterations, alpha, regularization, memory = sys.argv[1:]

spark = (
    SparkSession.builder.master(f"local[{threads}]")
    .config("spark.driver.memory", memory)
    .config("spark.ui.enabled", False)
    .config("spark.ui.showConsoleProgress", False)
    .config("spark.local.dir", f"{folder}/spark")
    # With these its BLAS may use vector instructions.
    .config("spark.driver.extraJavaOptions", "--add-modules=jdk.incubator.vector")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
ratings = spark.read.csv(f"{folder}/parts/train.csv", header=True, schema="user INT, item INT, rating FLOAT, time LONG")
ratings = ratings.select("user", "item", "rating").repartition(int(threads)).cache()
count = ratings.count()


def train(iterations: int) -> float:
    model = ALS(
        rank=int(factors),
        maxIter=iterations,
        implicitPrefs=True,
        alpha=float(alpha),
        regParam=float(regularization),
        numUserBlocks=int(threads),
        numItemBlocks=int(threads),
        userCol="user",
        itemCol="item",
        ratingCol="rating",
        seed=42,
        checkpointInterval=-1,
    )
    clock = Stopwatch()
    model.fit(ratings).itemFactors.count()
    return clock.seconds


first = train(1)
more = train(1 + int(iterations))
spark.stop()
report(seconds=(more - first) / int(iterations), fit_seconds=[first, more], ratings=count)
