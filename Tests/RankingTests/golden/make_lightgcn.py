"""Makes lightgcn.json: made-up train and test lists, vectors, and the figures that LightGCN's protocol gives.

The metrics are those of LightGCN-PyTorch (He et al., SIGIR 2020; code/utils.py: getLabel, RecallPrecision_ATk, NDCGatK_r;
code/Procedure.py: sums over test users / their number), rewritten here in NumPy. Items 40 to 43 are only in test lists and
have vectors that were never trained; 44 and 45 have none at all. Neither is ever recommended.
Run: python make_lightgcn.py > lightgcn.json
"""
import json

import numpy as np

random = np.random.default_rng(20240602)
users, trained, items, named, width, cutoffs = 50, 40, 44, 46, 3, [1, 5, 20, 60]
# Whole sixteenths, so that scores are exact and often equal.
user_vectors = random.integers(-16, 17, (users, width)) / 16
item_vectors = random.integers(-16, 17, (items, width)) / 16
train, test = [], []
for user in range(users):
    own = random.permutation(named)[: int(random.integers(3, 30))]
    in_test = (random.random(len(own)) < 0.3) | (own >= trained)
    train.append(sorted(own[~in_test].tolist()))
    test.append(sorted(own[in_test].tolist()))

scores = user_vectors @ item_vectors.T
scores[:, trained:] = -np.inf
for user, own in enumerate(train):
    scores[user, own] = -np.inf
order = np.argsort(-scores, axis=1, kind="stable")

metrics = {}
tested = [user for user in range(users) if test[user]]
for k in cutoffs:
    recall = capped = ndcg = 0.0
    for user in tested:
        top = [item for item in order[user][:k] if scores[user, item] > -np.inf]
        label = np.zeros(k)
        label[: len(top)] = [item in test[user] for item in top]
        length = min(k, len(test[user]))
        discount = 1 / np.log2(np.arange(2, k + 2))
        recall += label.sum() / len(test[user])
        capped += label.sum() / length
        ndcg += (label * discount).sum() / discount[:length].sum()
    metrics[f"recall@{k}"] = recall / len(tested)
    metrics[f"recall_capped@{k}"] = capped / len(tested)
    metrics[f"ndcg@{k}"] = ndcg / len(tested)
print(json.dumps({
    "trained": trained, "named": named, "cutoffs": cutoffs, "users": user_vectors.tolist(),
    "items": item_vectors.tolist(), "train": train, "test": test, "tested": len(tested), "metrics": metrics}))
