"""transformer.safetensors: SSE-PT and SASRec, by PyTorch: states, losses, every gradient and ten losses of Adam. Generated
data only, two blocks, two heads, items of 6 and users of 4. Computed in float64 from weights that float32 holds, kept in
float32; below 100 KB.

    python3 make_transformer.py          # torch 2.15

A sequence has zeros before its items. x = [item · √6 ++ user · √4] + position of the place, then dropout, and zeros where
nothing is. A block: q = norm(x); x = q + output(attention(q, x, x)), causal, with dropout of the softmax's shares; x = norm(x);
x = x + outer(relu(inner(x))), with dropout after `inner` and after `outer`; zeros where nothing is. The state h is norm(x), and
an item's score ⟨h, [item ++ user · √4]⟩. Norms add 1e-8 to the variance. Of `user` and `item`, row 0 is for nothing and has no
gradient.

    weights.NAME                          what `excluded`, `attended`, `dropped`, `gbce`, `softmax` and `sampled` start from
    plain.weights.NAME                    what `plain` starts from, which has no users
    batch.users [5], .sequences, .positives, .negatives [5 × 9], .more_negatives [5 × 9 × 4]
    VARIANT.states [5 × 9 × width], .scores [5 × 12]: of the last place, for the items 1 to 12; `gbce`, `softmax` and
                                          `sampled` have those of `excluded`
    VARIANT.losses [10]                   before each of ten steps of Adam at 1e-3 with betas 0.9, 0.98, always on this batch
    VARIANT.grad.NAME                     of the first of these

`dropped` has dropout of 0.2 with the masks of Starling's kernels (sk_dropout.h, sk_attention.h), made here anew from Philox
4×32-10 for seed 7 in epoch 3 and sequences that are numbered from 40.

`excluded` and `attended` are about padded keys: hidden, or seen like others. All but `attended` and `plain` hide them. The
loss is the mean over places with a target, of softplus(−positive) + softplus(negative); of `gbce` (β softplus(−positive) +
Σ softplus(negative)) / 5 with four negatives, β = 1 − t (1 − α), t = 0.75, α = 4/11; of `softmax` cross entropy among all 12
items, of `sampled` among the positive and the four negatives, without a correction.

The gradient of every `key.bias` is zero but for rounding, since it moves all scores of a query alike where all are made by it.
"""

import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
USERS, ITEMS, PLACES, BLOCKS, HEADS = 6, 12, 9, 2, 2
ITEM, USER = 6, 4
SEED, EPOCH, FIRST = 7, 3, 40
DROPPED = round(0.2 * 65536)
random = torch.Generator().manual_seed(11)
out = {}


def normal(*shape, scale=0.4):
    return (torch.randn(*shape, generator=random) * scale).double()


def uniform(low, high, *shape):
    return (torch.rand(*shape, generator=random) * (high - low) + low).double()


def weights(user):
    width = ITEM + user
    made = {"item": normal(ITEMS + 1, ITEM), "position": normal(PLACES, width)}
    made["item"][0] = 0
    if user:
        made["user"] = normal(USERS + 1, user)
        made["user"][0] = 0
    for block in range(BLOCKS):
        for norm in ("attention_norm", "forward_norm"):
            made[f"block.{block}.{norm}.weight"] = uniform(0.5, 1.5, width)
            made[f"block.{block}.{norm}.bias"] = uniform(-0.5, 0.5, width)
        for part in ("attention.query", "attention.key", "attention.value", "attention.output", "inner", "outer"):
            made[f"block.{block}.{part}.weight"] = normal(width, width)
            made[f"block.{block}.{part}.bias"] = uniform(-0.3, 0.3, width)
    made["norm.weight"], made["norm.bias"] = uniform(0.5, 1.5, width), uniform(-0.5, 0.5, width)
    return made


def make_batch():
    users, lengths = torch.tensor([3, 1, 6, 2, 5]), [9, 7, 4, 2, 1]
    ids = {name: torch.zeros(len(lengths), PLACES, dtype=torch.int64) for name in ("sequences", "positives", "negatives")}
    ids["more_negatives"] = torch.zeros(len(lengths), PLACES, 4, dtype=torch.int64)
    for row, length in enumerate(lengths):
        items = 1 + torch.randperm(ITEMS, generator=random)
        known, others = items[: length + 1], items[length + 1 :]
        ids["sequences"][row, PLACES - length :] = known[:-1]
        ids["positives"][row, PLACES - length :] = known[1:]
        for name in ("negatives", "more_negatives"):
            there = ids[name][row, PLACES - length :]
            there[:] = others[torch.randint(len(others), there.shape, generator=random)]
    return {"users": users} | ids


def philox(low, high, stream, seed):
    """The four 32-bit words of a block (Salmon et al. 2011), for arrays of counters."""
    words = [np.asarray(word, np.uint64) for word in np.broadcast_arrays(low, high, stream & 0xFFFFFFFF, stream >> 32)]
    keys = [np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)]
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        one, two = words[0] * np.uint64(0xD2511F53), words[2] * np.uint64(0xCD9E8D57)
        words = [two >> shift ^ words[1] ^ keys[0], two & mask, one >> shift ^ words[3] ^ keys[1], one & mask]
        keys = [keys[0] + np.uint64(0x9E3779B9) & mask, keys[1] + np.uint64(0xBB67AE85) & mask]
    return np.stack(words, -1)


def kept(blocks, draw):
    """Whether draws, of 16 bits, are kept; 8 to a block."""
    word = np.take_along_axis(blocks, (draw // 2)[..., None].astype(np.int64), -1)[..., 0]
    return (word >> (draw % 2 * 16).astype(np.uint64) & np.uint64(0xFFFF)) >= DROPPED


def make_masks(batch):
    first = philox(0, 0, 4 << 56 | EPOCH, SEED)
    key = int(first[0]) | int(first[1]) << 32
    uses = iter(range(1 + 3 * BLOCKS))
    there = (batch["sequences"] != 0).numpy()
    width = ITEM + USER

    def elements():
        e = np.arange(there.sum() * width)
        found = kept(philox(e // 128 * 16 + e % 16, 0, next(uses) << 40 | FIRST, key), e // 16 % 8)
        mask = np.zeros((*there.shape, width))
        mask[there] = found.reshape(-1, width)
        return torch.from_numpy(mask)

    def attention():
        stream, mask = next(uses) << 40 | FIRST, np.zeros((len(there), HEADS, PLACES, PLACES))
        for row, length in enumerate(there.sum(1)):
            i, j = np.meshgrid(np.arange(length), np.arange(length), indexing="ij")
            for head in range(HEADS):
                blocks = philox(j + (head << 24), i // 8, stream + row, key)
                mask[row, head, PLACES - length :, PLACES - length :] = kept(blocks, i % 8)
        return torch.from_numpy(mask)

    made = {"embedding": elements(), "attention": [], "inner": [], "outer": []}
    for _ in range(BLOCKS):
        made["attention"].append(attention())
        made["inner"].append(elements())
        made["outer"].append(elements())
    return made


def item_rows(w, batch, ids):
    """[item ++ user · √4] of these items, [5 × 9 × … × width]."""
    rows = F.embedding(ids, w["item"], padding_idx=0)
    if "user" not in w:
        return rows
    user = F.embedding(batch["users"], w["user"], padding_idx=0) * USER**0.5
    return torch.cat([rows, user.view(-1, *[1] * (ids.dim() - 1), USER).expand(*ids.shape, USER)], -1)


def states(w, batch, hidden, masks):
    def drop(x, name, block=None):
        if masks is None:
            return x
        mask = masks[name] if block is None else masks[name][block]
        return x * mask * (65536 / (65536 - DROPPED))

    sequences = batch["sequences"]
    (count, places), width = sequences.shape, w["position"].shape[1]
    there = (sequences != 0).unsqueeze(-1)
    x = F.embedding(sequences, w["item"], padding_idx=0) * ITEM**0.5
    if "user" in w:
        user = F.embedding(batch["users"], w["user"], padding_idx=0) * USER**0.5
        x = torch.cat([x, user[:, None].expand(count, places, USER)], -1)
    x = drop(x + w["position"], "embedding") * there
    unseen = torch.ones(places, places, dtype=torch.bool).triu(1).expand(count, 1, places, places)
    if hidden:
        unseen = unseen | (sequences == 0)[:, None, None, :]
    for block in range(BLOCKS):

        def linear(x, name):
            return F.linear(x, w[f"block.{block}.{name}.weight"], w[f"block.{block}.{name}.bias"])

        def norm(x, name):
            return F.layer_norm(x, (width,), w[f"block.{block}.{name}.weight"], w[f"block.{block}.{name}.bias"], 1e-8)

        def heads(x):
            return x.view(count, places, HEADS, width // HEADS).transpose(1, 2)

        q = norm(x, "attention_norm")
        logits = heads(linear(q, "attention.query")) @ heads(linear(x, "attention.key")).transpose(2, 3)
        # A padded query may have no key at all: a finite number instead of -inf, and the row is set to zero later.
        shares = (logits / (width // HEADS) ** 0.5).masked_fill(unseen, -1e30).softmax(-1)
        attended = drop(shares, "attention", block) @ heads(linear(x, "attention.value"))
        x = q + linear(attended.transpose(1, 2).reshape(count, places, width), "attention.output")
        x = norm(x, "forward_norm")
        inner = drop(linear(x, "inner"), "inner", block).relu()
        x = (x + drop(linear(inner, "outer"), "outer", block)) * there
    return F.layer_norm(x, (width,), w["norm.weight"], w["norm.bias"], 1e-8)


def loss_of(kind, w, batch, h):
    def scores(ids):
        return (h.unsqueeze(2) * item_rows(w, batch, ids.view(*batch["positives"].shape, -1))).sum(-1)

    targets = batch["positives"] != 0
    positive = scores(batch["positives"])
    if kind == "bce":
        losses = F.softplus(-positive) + F.softplus(scores(batch["negatives"]))
    elif kind == "gbce":
        negatives = scores(batch["more_negatives"])
        share = negatives.shape[-1] / (ITEMS - 1)
        beta = 1 - 0.75 * (1 - share)
        losses = (beta * F.softplus(-positive) + F.softplus(negatives).sum(-1, keepdim=True)) / (1 + negatives.shape[-1])
    elif kind == "sampled":
        logits = torch.cat([positive, scores(batch["more_negatives"])], -1)
        losses = -logits.log_softmax(-1)[..., :1]
    else:
        all = torch.arange(1, ITEMS + 1).expand(*targets.shape, ITEMS)
        logits = scores(all)
        losses = -logits.log_softmax(-1).gather(-1, (batch["positives"] - 1).clamp(min=0).unsqueeze(-1))
    return losses.squeeze(-1)[targets].mean()


def put(prefix, tensors):
    for name, tensor in tensors.items():
        tensor = tensor.detach().clone().contiguous()
        out[f"{prefix}.{name}"] = tensor.float() if tensor.is_floating_point() else tensor


def variant(name, start, batch, loss="bce", hidden=True, masks=None):
    w = {key: torch.nn.Parameter(tensor.clone()) for key, tensor in start.items()}
    optimizer = torch.optim.Adam(w.values(), lr=1e-3, betas=(0.9, 0.98))
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        h = states(w, batch, hidden, masks)
        found = loss_of(loss, w, batch, h)
        found.backward()
        losses.append(found.detach())
        if step == 0 and loss == "bce":
            rows = item_rows(w, batch, torch.arange(1, ITEMS + 1).expand(len(h), ITEMS))
            put(name, {"states": h, "scores": (rows @ h[:, -1, :, None]).squeeze(-1)})
        if step == 0:
            put(f"{name}.grad", {key: parameter.grad for key, parameter in w.items()})
        optimizer.step()
    put(name, {"losses": torch.stack(losses)})


batch, start, plain = make_batch(), weights(USER), weights(0)
masks = make_masks(batch)
put("batch", batch)
put("weights", start)
put("plain.weights", plain)
variant("excluded", start, batch)
variant("attended", start, batch, hidden=False)
variant("dropped", start, batch, masks=masks)
variant("gbce", start, batch, "gbce")
variant("softmax", start, batch, "softmax")
variant("sampled", start, batch, "sampled")
variant("plain", plain, batch, hidden=False)

file = HERE / "transformer.safetensors"
save_file(out, file, metadata={"torch": torch.__version__})
print(len(out), "tensors,", file.stat().st_size, "bytes")
