"""two_tower_torch.py --data FILE.npz --epochs N --learning-rate RATE [OPTION…]: a two-tower model by PyTorch on the CPU.

An embedding and an MLP for users, the same for items, their dot product as the score, and the softmax over a batch's items
as the loss, with the logQ correction and without accidental hits; Adagrad for everything. FILE.npz holds rows
`train_users`, `train_items`, `test_users`, `test_items`, and how many `users` and `items` there are. Prints one JSON object
with the samples a second (the median epoch), Recall@20 and NDCG@20 among the items that are not in a user's training, and
the share of the matrix products in the time of an epoch.

`--loss` and `--tables` choose between ways to the same figures: `plain` is what one writes first, `chunked` keeps the
logits in the cache, and `unique` moreover computes an item once that a batch has several times; `dense` tables get fused
steps over all their rows, which pays while they are small.
"""

import argparse
from statistics import median

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from common import Stopwatch, report

TOP = 20
ROWS = 256  # of logits at a time: 4 MB for a batch of 4096
PRODUCTS = {"aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::mkldnn_linear", "aten::_mkl_linear"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--batch-size", type=int, default=4096)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--layers", default="128,64")
    parser.add_argument("--temperature", type=float, default=1)
    parser.add_argument("--cosine", action="store_true")
    parser.add_argument("--loss", choices=("plain", "chunked", "unique"), default="chunked")
    parser.add_argument("--tables", choices=("sparse", "dense"), default="sparse")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", type=int, help="stop an epoch after so many, for the rate alone")
    parser.add_argument("--seed", type=int, default=42)
    return parser.parse_args()


class Data:
    def __init__(self, path):
        with np.load(path) as arrays:
            self.users, self.items = int(arrays["users"]), int(arrays["items"])
            names = ("train_users", "train_items", "test_users", "test_items")
            columns = [torch.from_numpy(arrays[name].astype(np.int64)) for name in names]
        self.train, self.test = columns[:2], columns[2:]
        self.log_q = (torch.bincount(self.train[1], minlength=self.items) / len(self.train[1])).log()


class Tables(nn.Module):
    """The embeddings of users and items, and what trains them."""

    def __init__(self, data, given):
        super().__init__()
        sparse = given.tables == "sparse"
        self.user, self.item = (nn.Embedding(n, given.width, sparse=sparse) for n in (data.users, data.items))
        for weight in self.weights():
            nn.init.uniform_(weight, -(given.width**-0.5), given.width**-0.5)
        self.optimizers = [adagrad(self, given, fused=not sparse)]

    def forward(self, users, items):
        return self.user(users), self.item(items)

    def weights(self):
        return self.user.weight, self.item.weight


def adagrad(module, given, fused):
    return torch.optim.Adagrad(module.parameters(), lr=given.learning_rate, eps=1e-8, fused=fused)


def tower(width, layers) -> nn.Sequential:
    sizes = [width, *(int(size) for size in layers.split(","))]
    modules = [part for size in zip(sizes, sizes[1:]) for part in (nn.Linear(*size), nn.ReLU(inplace=True))]
    return nn.Sequential(*modules[:-1])


class TwoTower(nn.Module):
    def __init__(self, tables, given):
        super().__init__()
        self.tables, self.cosine, self.temperature = tables, given.cosine, given.temperature
        self.towers = nn.ModuleList(tower(given.width, given.layers) for _ in range(2))

    def forward(self, users, items):
        return self.vectors(self.tables(users, items))

    def vectors(self, embeddings):
        users, items = (side(rows) for side, rows in zip(self.towers, embeddings))
        if self.cosine:
            users, items = functional.normalize(users), functional.normalize(items)
        return users / self.temperature, items


def plain(model, data, users, items):
    u, v = model(users, items)
    logits = torch.addmm(-data.log_q[items], u, v.T)
    hits = (items[:, None] == items).fill_diagonal_(False)
    return functional.cross_entropy(logits.masked_fill(hits, -torch.inf), torch.arange(len(items)))


def chunked(model, data, users, items):
    small = items.int()

    def mask(logits, rows):
        hits = small[rows, None] == small
        hits.diagonal(rows.start).fill_(False)
        logits.masked_fill_(hits, -torch.inf)

    u, v = model(users, items)
    return ChunkedSoftmax.apply(u, v, -data.log_q[items], torch.arange(len(items)), mask)


def unique(model, data, users, items):
    """An item that is n times in a batch counts n-fold, but once for the rows it is the positive of."""
    items, targets, counts = items.unique(return_inverse=True, return_counts=True)
    more = counts.log()
    less = -more[targets][:, None]

    def mask(logits, rows):
        logits.scatter_add_(1, targets[rows, None], less[rows])

    u, v = model(users, items)
    return ChunkedSoftmax.apply(u, v, more - data.log_q[items], targets, mask)


class ChunkedSoftmax(torch.autograd.Function):
    """The mean cross entropy of `u @ v.T + bias`, masked, and at once its gradient, some rows at a time."""

    @staticmethod
    def forward(ctx, u, v, bias, targets, mask):
        loss, grad_u, grad_v = 0, torch.empty_like(u), torch.zeros_like(v)
        buffer = torch.empty(min(ROWS, len(u)), len(v))
        targets = targets[:, None]
        for start in range(0, len(u), ROWS):
            rows = slice(start, min(start + ROWS, len(u)))
            logits = torch.addmm(bias, u[rows], v.T, out=buffer[: rows.stop - start])
            mask(logits, rows)
            p = torch.softmax(logits, 1)
            positive = p.gather(1, targets[rows])
            loss -= positive.clamp(min=1e-38).log().sum()
            p.scatter_(1, targets[rows], positive - 1)
            torch.mm(p, v, out=grad_u[rows])
            grad_v.addmm_(p.T, u[rows])
        ctx.save_for_backward(grad_u.div_(len(u)), grad_v.div_(len(u)))
        return loss / len(u)

    @staticmethod
    def backward(ctx, grad):
        grad_u, grad_v = ctx.saved_tensors
        return grad * grad_u, grad * grad_v, None, None, None


class Trainer:
    def __init__(self, data, given, make_tables):
        self.data, self.size = data, given.batch_size
        self.loss = {"plain": plain, "chunked": chunked, "unique": unique}[given.loss]
        self.model = TwoTower(make_tables(data, given), given)
        self.optimizers = [*self.model.tables.optimizers, adagrad(self.model.towers, given, fused=True)]

    def batches(self):
        order = torch.randperm(len(self.data.train[0]))
        return list(zip(*(column[order].split(self.size) for column in self.data.train)))

    def learn(self, batches) -> float:
        """The mean loss of the batches' samples."""
        total, samples = 0, 0
        for users, items in batches:
            for optimizer in self.optimizers:
                optimizer.zero_grad()
            loss = self.loss(self.model, self.data, users, items)
            loss.backward()
            for optimizer in self.optimizers:
                optimizer.step()
            total, samples = total + loss.item() * len(users), samples + len(users)
        return total / samples

    def matmul_share(self) -> float:
        batches = self.batches()[:23]
        self.learn(batches[:3])
        with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler:
            self.learn(batches[3:])
        times = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
        products = [name for name in times if name in PRODUCTS or name.startswith("mkldnn::")]
        return sum(times[name] for name in products) / sum(times.values())


@torch.no_grad()
def quality(model, data):
    """Recall@20 and NDCG@20, means over the users with a test item; all items but those of their training are ranked."""
    u, v = model.vectors([table.detach() for table in model.tables.weights()])
    order = data.train[0].argsort()
    seen_users, seen_items = (column[order] for column in data.train)
    wanted = data.test[0] * data.items + data.test[1]
    users, sizes = data.test[0].unique(return_counts=True)
    discounts = 1 / torch.arange(2, TOP + 2).log2()
    recall, ndcg = 0, 0
    for some, size in zip(users.split(1024), sizes.split(1024)):
        scores = u[some] @ v.T
        first, last = torch.searchsorted(seen_users, some), torch.searchsorted(seen_users, some, right=True)
        lengths = last - first
        starts = (first - lengths.cumsum(0) + lengths).repeat_interleave(lengths)
        seen = seen_items[starts + torch.arange(len(starts))]
        scores[torch.arange(len(some)).repeat_interleave(lengths), seen] = -torch.inf
        hits = torch.isin(some[:, None] * data.items + scores.topk(TOP).indices, wanted).float()
        recall += (hits.sum(1) / size).sum()
        ndcg += (hits @ discounts / discounts.cumsum(0)[size.clamp(max=TOP) - 1]).sum()
    return float(recall / len(users)), float(ndcg / len(users))


def main(peer="torch", version=torch.__version__, make_tables=Tables):
    given = arguments()
    # Before PyTorch starts its threads, which inherit it.
    torch.set_flush_denormal(True)
    torch.sparse.check_sparse_tensor_invariants.disable()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    data = Data(given.data)
    trainer = Trainer(data, given, make_tables)
    seconds, losses = [], []
    for _ in range(given.epochs):
        clock = Stopwatch()
        losses.append(trainer.learn(trainer.batches()[: given.batches]))
        seconds.append(clock.seconds)
        if given.batches:
            rate = given.batches * given.batch_size / seconds[0]
            return report(samples_per_second=rate, matmul_share=trainer.matmul_share())
    recall, ndcg = quality(trainer.model, data)
    report(
        **{"peer": peer, "version": version, "threads": given.threads},
        **{"samples_per_second": len(data.train[0]) / median(seconds), "epoch_seconds": seconds, "loss": losses},
        **{"recall@20": recall, "ndcg@20": ndcg, "matmul_share": trainer.matmul_share()},
    )


if __name__ == "__main__":
    main()
