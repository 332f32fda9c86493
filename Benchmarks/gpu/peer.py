"""peer.py mf|two-tower …: the same models as one writes them in PyTorch: tables of nn.Embedding, compiled steps, fused Adam.

Prints one JSON object: interactions a second of the faster epoch, losses, and the most memory that the device held.
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

parser = argparse.ArgumentParser()
parser.add_argument("model", choices=("mf", "two-tower"))
parser.add_argument("--data", required=True)
for name in ("users", "items", "width", "batch-size", "epochs"):
    parser.add_argument(f"--{name}", type=int, required=True)
parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
parser.add_argument("--device", default="cuda")
given = parser.parse_args()
torch.manual_seed(42)
device = torch.device(given.device)
with np.load(given.data) as arrays:
    users, items = (torch.from_numpy(arrays[name]).to(device) for name in ("user", "item"))
    ratings = torch.from_numpy(arrays["rating"]).to(device)


class Factors(nn.Module):
    def __init__(self):
        super().__init__()
        self.user, self.item = nn.Embedding(given.users, given.width), nn.Embedding(given.items, given.width)
        self.user_bias, self.item_bias = nn.Embedding(given.users, 1), nn.Embedding(given.items, 1)
        self.mean = float(ratings.mean())
        for table in (self.user, self.item):
            nn.init.normal_(table.weight, std=0.3 / given.width**0.5)

    def forward(self, user, item, rating):
        product = (self.user(user) * self.item(item)).sum(1)
        predicted = product + self.user_bias(user)[:, 0] + self.item_bias(item)[:, 0] + self.mean
        return functional.mse_loss(predicted, rating)


class Towers(nn.Module):
    def __init__(self):
        super().__init__()
        self.user, self.item = nn.Embedding(given.users, given.width), nn.Embedding(given.items, given.width)
        self.towers = nn.ModuleList(
            nn.Sequential(nn.Linear(given.width, given.width), nn.ReLU(), nn.Linear(given.width, given.width))
            for _ in range(2)
        )
        for table in (self.user, self.item):
            nn.init.uniform_(table.weight, -(given.width**-0.5), given.width**-0.5)
        self.register_buffer("log_q", (torch.bincount(items, minlength=given.items) / len(items)).log())

    def forward(self, user, item, rating):
        u = functional.normalize(self.towers[0](self.user(user)).float()) / 0.1
        v = functional.normalize(self.towers[1](self.item(item)).float())
        logits = u @ v.T - self.log_q[item]
        hits = (item[:, None] == item).fill_diagonal_(False)
        return functional.cross_entropy(logits.masked_fill(hits, -torch.inf), torch.arange(len(item), device=u.device))


model = (Factors if given.model == "mf" else Towers)().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, fused=True)
step = torch.compile(model) if device.type == "cuda" else model


def epoch() -> tuple[float, float]:
    order = torch.randperm(len(users), device=device)
    total = torch.zeros((), device=device)
    clock = time.monotonic()
    for places in order.split(given.batch_size):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=given.precision == "bf16"):
            loss = step(users[places], items[places], ratings[places])
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(places)
    mean = float(total) / len(users)
    return mean, time.monotonic() - clock


found = [epoch() for _ in range(given.epochs)]
print(
    json.dumps(
        {
            "interactions_per_second": len(users) / min(seconds for _, seconds in found),
            "losses": [loss for loss, _ in found],
            "peak_device_bytes": torch.cuda.max_memory_allocated() if device.type == "cuda" else None,
        }
    )
)
