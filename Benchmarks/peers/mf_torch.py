"""mf_torch.py THREADS dense|sparse FOLDER FACTORS RATE BATCHES: the ordinary PyTorch loop of matrix factorisation.

Biased factorisation with nn.Embedding, mean squared error and batches of 2048: `dense` steps with Adam over whole
tables, `sparse` with sparse gradients and SparseAdam. BATCHES 0 trains one epoch and reports its validation RMSE too;
otherwise so many batches are timed. The first fifty are not: they warm up, and then find out whether PyTorch is faster
with one thread or with all, since it waits for its threads at every operation, and these are small.
"""

import sys

import numpy as np
import torch
from torch import nn

from common import Stopwatch, report
from data import NODE, sizes

threads, kind, folder, factors, rate, batches = sys.argv[1:]
torch.manual_seed(42)
SIZE = 2048


class Factorization(nn.Module):
    def __init__(self, users, items, k, mean, sparse):
        super().__init__()
        self.mean = mean
        self.p, self.q = (nn.Embedding(n, k, sparse=sparse) for n in (users, items))
        self.a, self.b = (nn.Embedding(n, 1, sparse=sparse) for n in (users, items))
        for table in (self.p, self.q):
            nn.init.normal_(table.weight, std=0.3 / k**0.5)
        for table in (self.a, self.b):
            nn.init.zeros_(table.weight)

    def forward(self, users, items):
        dots = (self.p(users) * self.q(items)).sum(1)
        return self.mean + self.a(users).squeeze(1) + self.b(items).squeeze(1) + dots


def load(name):
    nodes = np.fromfile(f"{folder}/{name}.bin", NODE)
    return [torch.from_numpy(nodes[field].astype(kind)) for field, kind in (("u", "i8"), ("i", "i8"), ("r", "f4"))]


users, items = sizes(folder)
train = load("train")
model = Factorization(users, items, int(factors), float(train[2].mean()), kind == "sparse")
optimizer = (torch.optim.SparseAdam if kind == "sparse" else torch.optim.Adam)(list(model.parameters()), lr=float(rate))
order = torch.randperm(len(train[2]))
loss_of = nn.MSELoss()


def learn(step):
    chosen = order[step * SIZE : (step + 1) * SIZE]
    u, i, r = (column[chosen] for column in train)
    optimizer.zero_grad()
    loss_of(model(u, i), r).backward()
    optimizer.step()


def time(steps) -> float:
    clock = Stopwatch()
    for step in steps:
        learn(step)
    return clock.seconds


time(range(10))
trials = {}
for first, count in ((10, 1), (30, int(threads))):
    torch.set_num_threads(count)
    trials[count] = time(range(first, first + 20))
fastest = min(trials, key=trials.get)
torch.set_num_threads(fastest)

steps = range(50, 50 + int(batches) if int(batches) > 0 else (len(order) + SIZE - 1) // SIZE)
seconds = time(steps)
figures = {"threads": fastest, "samples_per_second": len(order[steps.start * SIZE : steps.stop * SIZE]) / seconds}
if int(batches) == 0:
    with torch.no_grad():
        u, i, r = load("validation")
        figures["val_rmse"] = float(((model(u, i) - r) ** 2).mean().sqrt())
report(**figures)
