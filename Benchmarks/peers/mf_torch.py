"""mf_torch.py THREADS dense|sparse FOLDER FACTORS RATE EPOCHS BATCHES: the ordinary PyTorch loop of matrix factorisation.

Biased factorisation with nn.Embedding, mean squared error and batches of 2048: `dense` steps with Adam over whole
tables, `sparse` with sparse gradients and SparseAdam. Trains EPOCHS and reports the validation RMSE after each; with
EPOCHS 0 it times BATCHES instead. The first fifty batches are not timed: they warm up, and then find out whether PyTorch
is faster with one thread or with all, since it waits for its threads at every operation, and these are small.
"""

import sys
from statistics import median

import numpy as np
import torch
from torch import nn

from common import Stopwatch, report
from data import NODE, sizes

threads, kind, folder, factors, rate, epochs, batches = sys.argv[1:]
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
total = len(train[2])
order = torch.randperm(total)
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

def rmse() -> float:
    with torch.no_grad():
        u, i, r = load("validation")
        return float(((model(u, i) - r) ** 2).mean().sqrt())


def samples(steps) -> int:
    return min(total, steps.stop * SIZE) - steps.start * SIZE


timed, errors = [], []
if int(epochs) == 0:
    steps = range(50, 50 + int(batches))
    timed.append(samples(steps) / time(steps))
for epoch in range(int(epochs)):
    if epoch > 0:
        order = torch.randperm(total)
    steps = range(50 if epoch == 0 else 0, (total + SIZE - 1) // SIZE)
    timed.append(samples(steps) / time(steps))
    errors.append(rmse())
report(threads=fastest, samples_per_second=median(timed), val_rmse=errors)
