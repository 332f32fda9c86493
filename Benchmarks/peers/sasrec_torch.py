"""sasrec_torch.py --data FILE (--steps N | --epochs N) [OPTION…]: SASRec and SSE-PT by PyTorch, in pmixer/SASRec.pytorch's way.

The model of Kang & McAuley (2018) with that repository's layers, names of weights, initial values, sampler and loop, written
anew from its description. FILE has `user item` lines, each user's in the order of time; ids count from 1. Of each user the last
item is for the test and the one before it for validation. Prints one JSON object with the seconds of a step, the median and the
mean after --warm-up steps, and of these the seconds that the loop waited for its sampler.

The sampler's processes draw users with replacement, and for each of a user's places one item that is not in the user's
training. With `--workers 0` all batches are drawn before the clock runs. Batches of several processes come in the order in
which they are ready, so that only `--workers 0` and 1 give the same losses twice.

With `--user-dim N` the model is SSE-PT (Wu et al. 2020): the user's vector, times √N, stands beside the item's, times √hidden;
positions and blocks have the whole width, and an item's score is the product of a place with [item ++ user · √N]. As in its
authors' code, and other than in SASRec here, padding is not attended to. Stochastic shared embeddings are drawn as there too:
with the probability `--replace-items` both the item of a place and what comes next there become random ones, and what comes next
at the place before is what now stands here, while negatives are items that the user did not have in training; with
`--replace-users` a history's user becomes a random one. The authors' thresholds are probabilities of keeping: their 0.9 and 0.08
are 0.1 and 0.92 here, the defaults with users' vectors.

`--evaluate-every N` prints a line of JSON after each N epochs and at the end: HR@10 and NDCG@10 of the validation item after
the training items, and of the test item after these and the validation item, among all items outside the history, and among it
and 100 items that are drawn uniformly with replacement, means over the seeds that are stated. `sampled` are items outside the
history, the target left out; `papers` are what the code of SASRec and SSE-PT draws, anything outside the training items, so
that the validation item and the target itself may be among them (a tie with itself counts half).
"""

import argparse
import json
import sys
from multiprocessing import Process, Queue
from statistics import mean, median

import numpy as np
import torch
from torch import nn

from common import Stopwatch, peak_memory, report

TOP = 10
NEGATIVES = 100
USERS = 256  # at a time, in an evaluation


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", required=True)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int)
    length.add_argument("--epochs", type=int)
    parser.add_argument("--maxlen", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--hidden", type=int, default=50)
    parser.add_argument("--user-dim", type=int, default=0, help="floats of a user's vector: SSE-PT; 0: SASRec")
    parser.add_argument("--replace-items", type=float, metavar="P", help="default: 0.1 with users' vectors, else 0")
    parser.add_argument("--replace-users", type=float, metavar="P", help="default: 0.92 with users' vectors, else 0")
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--heads", type=int, default=1)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--negatives", type=int, default=0, help="gSASRec's loss with so many drawn items, without users")
    parser.add_argument("--calibration", type=float, default=0.75, help="of gSASRec's loss")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=3, help="processes that draw batches; 0: all are drawn before")
    parser.add_argument("--warm-up", type=int, default=5, help="steps that are not timed")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--evaluate-every", type=int, metavar="EPOCHS")
    parser.add_argument("--evaluation-seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--save", help="write the state dict here at the end")
    given = parser.parse_args()
    if given.replace_users and not given.user_dim:
        parser.error("--replace-users is for a model with users: --user-dim 50")
    for name, share in (("replace_items", 0.1), ("replace_users", 0.92)):
        if getattr(given, name) is None:
            setattr(given, name, share if given.user_dim else 0)
    return given


class Data:
    """Each user's items in the order of time, cut into training, one item of validation and one of test."""

    def __init__(self, path):
        pairs = np.loadtxt(path, np.int64)
        self.users, self.items = (int(column.max()) for column in pairs.T)
        order = np.argsort(pairs[:, 0], kind="stable")
        ends = np.cumsum(np.bincount(pairs[:, 0], minlength=self.users + 1))
        self.sequences = np.split(pairs[order, 1], ends[:-1])
        self.train = [row[:-2] if len(row) > 2 else row for row in self.sequences]
        self.judged = np.array([user for user, row in enumerate(self.sequences) if len(row) > 2])

    def history(self, user, part):
        """What comes before the item of this part."""
        return self.sequences[user][: -1 if part == "test" else -2]

    def target(self, user, part):
        return self.sequences[user][-1 if part == "test" else -2]


def padded(rows, length):
    """The last items of each, with zeros before."""
    found = np.zeros((len(rows), length), np.int64)
    for line, row in zip(found, rows):
        row = row[-length:]
        line[length - len(row) :] = row
    return found


class FeedForward(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(width, width, 1), nn.Conv1d(width, width, 1)
        self.dropout1, self.dropout2, self.relu = nn.Dropout(dropout), nn.Dropout(dropout), nn.ReLU()

    def forward(self, x):
        inner = self.relu(self.dropout1(self.conv1(x.transpose(1, 2))))
        return x + self.dropout2(self.conv2(inner)).transpose(1, 2)


class SASRec(nn.Module):
    """`rows` of positions: one more than `maxlen`, where slots are numbered from 1 and row 0 is for padding, or as many,
    where slots are numbered from 0. With `user_dim` it is SSE-PT."""

    def __init__(self, items, maxlen, hidden, blocks, heads, dropout, rows=None, zeroed=True, users=0, user_dim=0):
        super().__init__()
        rows, width = rows or maxlen + 1, hidden + user_dim
        self.maxlen, self.first, self.zeroed = maxlen, rows - maxlen, zeroed
        self.item_emb = nn.Embedding(items + 1, hidden, padding_idx=0)
        self.user_emb = nn.Embedding(users + 1, user_dim) if user_dim else None
        self.pos_emb = nn.Embedding(rows, width, padding_idx=0 if self.first else None)
        self.emb_dropout = nn.Dropout(dropout)
        self.attention_layernorms, self.forward_layernorms, self.attention_layers, self.forward_layers = (
            nn.ModuleList(make() for _ in range(blocks))
            for make in (
                lambda: nn.LayerNorm(width, eps=1e-8),
                lambda: nn.LayerNorm(width, eps=1e-8),
                lambda: nn.MultiheadAttention(width, heads, dropout),
                lambda: FeedForward(width, dropout),
            )
        )
        self.last_layernorm = nn.LayerNorm(width, eps=1e-8)

    def start(self):
        """Glorot's normal values for every matrix, tables among them; biases and norms stay what PyTorch made them."""
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_normal_(parameter.data)
        self.item_emb.weight.data[0] = self.pos_emb.weight.data[0] = 0
        return self

    def ids(self, array):
        return torch.from_numpy(array).long().to(self.item_emb.weight.device)

    def beside(self, vectors, users):
        """[vector ++ user · √user_dim] of vectors `[users × maxlen × hidden]`; without users these alone."""
        if self.user_emb is None:
            return vectors
        own = self.user_emb(self.ids(users)) * self.user_emb.embedding_dim**0.5
        return torch.cat([vectors, own.unsqueeze(1).expand(-1, self.maxlen, -1)], -1)

    def forward(self, sequences, users):
        """What each place of sequences `[users × maxlen]`, zeros first, says of the next item: `[users × maxlen × width]`."""
        sequences = self.ids(sequences)
        device = sequences.device
        there = (sequences != 0).unsqueeze(-1)
        places = torch.arange(self.first, self.first + self.maxlen, device=device).expand_as(sequences)
        if self.first:
            places = places * (sequences != 0)
        x = self.beside(self.item_emb(sequences) * self.item_emb.embedding_dim**0.5, users) + self.pos_emb(places)
        x = self.emb_dropout(x)
        if self.zeroed:
            x = x * there
        unseen = torch.ones(self.maxlen, self.maxlen, dtype=torch.bool, device=device).triu(1)
        if self.user_emb is not None:
            # Each place sees itself, padded or not: softmax over nothing is NaN.
            others = ~torch.eye(self.maxlen, dtype=torch.bool, device=device)
            unseen = unseen | ~there.transpose(1, 2) & others
            unseen = unseen.repeat_interleave(self.attention_layers[0].num_heads, 0)
        layers = self.attention_layernorms, self.attention_layers, self.forward_layernorms, self.forward_layers
        for attention_norm, attention, forward_norm, feed_forward in zip(*layers):
            # SASRec's places attend to padded ones as well: there is no key_padding_mask. Heads' weights are asked for.
            x = x.transpose(0, 1)
            queries = attention_norm(x)
            x = (queries + attention(queries, x, x, attn_mask=unseen)[0]).transpose(0, 1)
            x = feed_forward(forward_norm(x))
            if self.zeroed:
                x = x * there
        return self.last_layernorm(x)


def draw_batches(train, items, given, queue, seed):
    """Batches of users, inputs, next items and negatives, for ever."""
    random = np.random.RandomState(seed)
    users = np.array([user for user, row in enumerate(train) if len(row) > 1])
    train = [row.tolist() for row in train]

    def sample():
        user = users[random.randint(len(users))]
        known = set(train[user])
        sequence, positive, negative = (np.zeros(given.maxlen, np.int32) for _ in range(3))
        following = train[user][-1]
        for place, item in zip(range(given.maxlen - 1, -1, -1), reversed(train[user][:-1])):
            if given.replace_items and random.rand() < given.replace_items:
                item, following = random.randint(1, items + 1, 2)
            other = random.randint(1, items + 1)
            while other in known:
                other = random.randint(1, items + 1)
            sequence[place], positive[place], negative[place] = item, following, other
            following = item
        if given.replace_users and random.rand() < given.replace_users:
            user = random.randint(1, len(train))
        return user, sequence, positive, negative

    while True:
        queue.put(list(zip(*(sample() for _ in range(given.batch_size)))))


class Sampler:
    def __init__(self, data, given, steps):
        self.steps, self.ready, self.queue = steps, [], Queue(maxsize=10 * max(1, given.workers))
        seeds = np.random.RandomState(given.seed).randint(2**31 - 1, size=max(1, given.workers))
        work = data.train, data.items, given, self.queue
        self.processes = [Process(target=draw_batches, args=(*work, seed), daemon=True) for seed in seeds]
        for process in self.processes:
            process.start()
        if given.workers == 0:
            self.ready = [self.queue.get() for _ in range(steps)][::-1]
            self.stop()

    def next(self):
        return [np.array(part) for part in (self.ready.pop() if self.ready else self.queue.get())]

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.join()


class Trainer:
    def __init__(self, model, data, given):
        self.model, self.device, self.precision = model, torch.device(given.device), given.precision
        self.loss_of, self.negatives = nn.BCEWithLogitsLoss(), given.negatives
        betas = (0.9, 0.999 if given.negatives else 0.98)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=given.learning_rate, betas=betas)
        if self.negatives:
            share = self.negatives / (data.items - 1)
            self.beta = 1 - given.calibration * (1 - share)
            self.known = torch.zeros(data.users + 1, data.items + 1, dtype=torch.bool)
            for user, row in enumerate(data.train):
                self.known[user, row] = True

    def gbce(self, users, sequences, positives) -> torch.Tensor:
        """gSASRec's loss: n drawn items at each place, the next one's probability to the power of beta."""
        known = self.known[torch.from_numpy(users).long()]
        drawn = torch.randint(1, known.shape[1], (*positives.shape, self.negatives))
        rows = torch.arange(len(users))[:, None, None]
        while (again := known[rows, drawn]).any():
            drawn[again] = torch.randint(1, known.shape[1], (int(again.sum()),))
        there = torch.from_numpy(positives != 0)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            x = self.model(sequences, users)[there]
            right = (x * self.model.item_emb(self.model.ids(positives)[there])).sum(-1)
            wrong = torch.einsum("pw,pnw->pn", x, self.model.item_emb(drawn[there].to(x.device)))
        softplus = nn.functional.softplus
        return ((self.beta * softplus(-right) + softplus(wrong).sum(-1)) / (self.negatives + 1)).mean()

    def step(self, users, sequences, positives, negatives) -> float:
        self.optimizer.zero_grad()
        loss = self.gbce(users, sequences, positives) if self.negatives else self.bce(users, sequences, positives, negatives)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def bce(self, users, sequences, positives, negatives) -> torch.Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            x = self.model(sequences, users)
            items = (self.model.item_emb(self.model.ids(ids)) for ids in (positives, negatives))
            right, wrong = ((x * self.model.beside(vectors, users)).sum(-1) for vectors in items)
        ones, zeros = torch.ones_like(right), torch.zeros_like(wrong)
        there = np.where(positives != 0)
        return self.loss_of(right[there], ones[there]) + self.loss_of(wrong[there], zeros[there])


class Evaluation:
    """HR@10 and NDCG@10 of a part, `test` or `validation`."""

    def __init__(self, data, part, seeds):
        self.data, self.part, self.seeds = data, part, seeds
        self.targets = np.array([data.target(user, part) for user in data.judged])
        self.seen, trained = (np.zeros((len(data.judged), data.items + 1), bool) for _ in range(2))
        for row, user in enumerate(data.judged):
            self.seen[row, data.history(user, part)] = trained[row, data.train[user]] = True
        self.seen[:, 0] = trained[:, 0] = True
        known = self.seen.copy()
        known[np.arange(len(known)), self.targets] = True
        outside = {"sampled": known, "papers": trained}
        self.drawn = [(name, drawn(outside[name], seed)) for name in outside for seed in seeds]

    @torch.no_grad()
    def __call__(self, model) -> dict:
        model.eval()
        ranks = [[] for _ in range(1 + len(self.drawn))]
        for start in range(0, len(self.data.judged), USERS):
            part = slice(start, start + USERS)
            users = self.data.judged[part]
            histories = [self.data.history(user, self.part) for user in users]
            # The user's part of a score is the same for all items.
            places = model(padded(histories, model.maxlen), users)[:, -1, : model.item_emb.embedding_dim]
            scores = (places @ model.item_emb.weight.T).float().cpu()
            targets = torch.from_numpy(self.targets[part, None])
            target = scores.gather(1, targets)
            for found, (_, items) in zip(ranks[1:], self.drawn):
                above, same = scores.gather(1, items[part]) > target, items[part] == targets
                found.append(torch.stack([above.sum(1), (above | same).sum(1)]))
            scores[torch.from_numpy(self.seen[part])] = -torch.inf
            ranks[0].append((scores > target).sum(1))
        model.train()
        full, *samples = (figures(torch.cat(found, -1)) for found in ranks)
        report = {"users": len(self.targets), "hr@10": full[0], "ndcg@10": full[1], "seeds": self.seeds}
        for name in ("sampled", "papers"):
            rates, gains = zip(*(one for one, (kind, _) in zip(samples, self.drawn) if kind == name))
            report |= {f"{name}_hr@10": mean(rates), f"{name}_ndcg@10": mean(gains), f"{name}_ndcg@10_by_seed": gains}
        return report


def drawn(known, seed):
    """For each row of `known` items that are not, uniformly and with replacement."""
    random, rows = np.random.default_rng(seed), np.arange(len(known))[:, None]
    items = random.integers(1, known.shape[1], (len(known), NEGATIVES))
    while (again := known[rows, items]).any():
        items[again] = random.integers(1, known.shape[1], again.sum())
    return torch.from_numpy(items)


def figures(ranks) -> tuple[float, float]:
    hits, gains = ranks < TOP, 1 / (ranks + 2).double().log2()
    return float(hits.double().mean()), float((hits * gains).mean())


def main():
    given = arguments()
    torch.set_flush_denormal(True)
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    data = Data(given.data)
    epoch = -(-len(data.judged) // given.batch_size)
    steps = given.steps or given.epochs * epoch
    sampler = Sampler(data, given, steps)
    parts = ("validation", "test") if given.evaluate_every else ()
    evaluations = {part: Evaluation(data, part, given.evaluation_seeds) for part in parts}
    shape = data.items, given.maxlen, given.hidden, given.blocks, given.heads, given.dropout
    model = SASRec(*shape, users=data.users, user_dim=given.user_dim).start()
    trainer = Trainer(model.to(given.device), data, given)
    seconds, waited, losses = [], [], []
    for step in range(1, steps + 1):
        clock = Stopwatch()
        batch = sampler.next()
        waited.append(clock.seconds)
        losses.append(trainer.step(*batch))
        seconds.append(clock.seconds)
        if given.evaluate_every and (step % (given.evaluate_every * epoch) == 0 or step == steps):
            found = {part: evaluate(model) for part, evaluate in evaluations.items()}
            line = {"step": step, "epoch": step / epoch, "training_seconds": sum(seconds), "loss": mean(losses[-epoch:])}
            print(json.dumps(line | found))
            sys.stdout.flush()
    sampler.stop()
    if given.save:
        torch.save(model.state_dict(), given.save)
    warm = min(given.warm_up, steps - 1)
    seconds, waited = seconds[warm:], waited[warm:]
    chosen = ("maxlen", "batch_size", "hidden", "blocks", "heads", "dropout", "workers", "seed", "device", "precision")
    personal = [name for name in ("user_dim", "replace_items", "replace_users") if getattr(given, name)]
    on_gpu = given.device == "cuda"
    report(
        **{"peer": "torch", "version": torch.__version__, "threads": given.threads},
        **{name: getattr(given, name) for name in (*chosen, *personal)},
        **{"steps": steps, "timed_steps": len(seconds), "steps_per_epoch": epoch},
        **{"step_seconds": median(seconds), "mean_step_seconds": mean(seconds), "sampler_seconds": median(waited)},
        **{"sequences_per_second": given.batch_size / median(seconds), "loss": losses[:10] + losses[-1:]},
        **{"peak_memory_bytes": peak_memory()},
        **{"peak_device_bytes": torch.cuda.max_memory_allocated() if on_gpu else None},
    )


if __name__ == "__main__":
    main()
