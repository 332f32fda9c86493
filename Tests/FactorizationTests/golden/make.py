"""Golden files of FactorizationTests: steps of Adam made by PyTorch. Run with a Python that has torch and safetensors:

    python make.py

adam_sparse.safetensors: SparseAdam over sparse embeddings, three batches that touch some rows only (ε as Adam has it).
adam_dense.safetensors:  Adam with weight decay and clipping by the global norm, batches that touch every row.
Both start from `start.*`, take the batches `batch.N` (positions in the ratings sorted by user, then item), end at `end.*`.
"""

import torch
from safetensors.torch import save_file


def model(users, items, width, sparse, generator):
    tables = [torch.nn.Embedding(n, w, sparse=sparse) for n, w in ((users, width), (items, width), (users, 1), (items, 1))]
    for table in tables:
        with torch.no_grad():
            table.weight.copy_(0.3 * torch.randn(table.weight.shape, generator=generator))
    return tables


def predict(tables, mean, u, i):
    p, q, bu, bi = (t(x) for t, x in zip(tables, (u, i, u, i)))
    return mean + bu[:, 0] + bi[:, 0] + (p * q).sum(1)


def make(name, users, items, width, pairs, batches, sparse, weight_decay, clip, rate):
    generator = torch.Generator().manual_seed(7)
    u = torch.tensor([p[0] for p in pairs])
    i = torch.tensor([p[1] for p in pairs])
    r = (3 + torch.randn(len(pairs), generator=generator)).float()
    mean = r.double().mean().float()
    tables = model(users, items, width, sparse, generator)
    names = ("user_factors", "item_factors", "user_biases", "item_biases")

    def state(prefix):
        found = {}
        for n, t in zip(names, tables):
            w = t.weight.detach().clone()
            found[f"{prefix}.{n}"] = w if n.endswith("factors") else w[:, 0].contiguous()
        return found

    out = {"users": u, "items": i, "values": r, "mean": mean.reshape(1), **state("start")}
    parameters = [t.weight for t in tables]
    if sparse:
        optimizer = torch.optim.SparseAdam(parameters, lr=rate)
    else:
        optimizer = torch.optim.Adam(parameters, lr=rate, weight_decay=weight_decay)
    losses = []
    for number, batch in enumerate(batches):
        index = torch.tensor(batch)
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(predict(tables, mean, u[index], i[index]), r[index])
        losses.append(loss.item())
        loss.backward()
        if sparse:
            # SparseAdam adds ε before the moments are corrected, Adam after; scaled, both say the same.
            optimizer.param_groups[0]["eps"] = 1e-8 * (1 - 0.999 ** (number + 1)) ** 0.5
        if clip:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
        out[f"batch.{number}"] = index
    out.update(state("end"))
    out["losses"] = torch.tensor(losses, dtype=torch.float64)
    save_file(out, name)


all_pairs = [(a, b) for a in range(9) for b in range(7) if (3 * a + 5 * b) % 4 != 0]
make("adam_sparse.safetensors", 9, 7, 5, all_pairs, [[0, 3, 8, 9], [1, 2, 20, 21, 22, 40], [0, 5, 30, 31, 44]], True, 0, None, 0.05)
every = [(a, b) for a in range(4) for b in range(3)]
make("adam_dense.safetensors", 4, 3, 6, every, [list(range(12))] * 4, False, 0.01, 0.5, 0.02)
