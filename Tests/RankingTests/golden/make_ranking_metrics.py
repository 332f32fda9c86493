"""Makes ranking_metrics.json: random lists and their figures by trec_eval (pytrec_eval-terrier 0.5, ir_measures 0.4).

trec_eval divides average precision and recall at K by |R|. Starling's map@K and recall_capped@K divide by min(K, |R|), so
those figures are rescaled per user here.
Run: python make_ranking_metrics.py > ranking_metrics.json
"""
import json

import ir_measures
import numpy as np
from ir_measures import AP, R, RR, Success, nDCG

random = np.random.default_rng(20240601)
items, cutoffs, users = 60, [1, 3, 5, 10, 20], []
for user in range(25):
    # Popular items are recommended and relevant more often, so that hits occur at all places.
    weight = 1 / np.arange(1, items + 1)
    length = int(random.choice([20, 20, 20, 7, 2]))
    recommended = random.choice(items, size=length, replace=False, p=weight / weight.sum())
    relevant = random.choice(items, size=int(random.choice([1, 2, 4, 12, 30])), replace=False,
                             p=weight / weight.sum())
    users.append({"recommended": recommended.tolist(), "relevant": sorted(relevant.tolist())})

qrels = [ir_measures.Qrel(str(u), str(i), 1) for u, user in enumerate(users) for i in user["relevant"]]
run = [ir_measures.ScoredDoc(str(u), str(i), float(1000 - place)) for u, user in enumerate(users)
       for place, i in enumerate(user["recommended"])]
names = {"recall": R, "recall_capped": R, "ndcg": nDCG, "hit_rate": Success, "mrr": RR, "map": AP}
metrics = {}
for name, measure in names.items():
    for k in cutoffs:
        values = {m.query_id: m.value for m in ir_measures.iter_calc([measure @ k], qrels, run)}
        if name in ("map", "recall_capped"):
            values = {u: v * len(users[int(u)]["relevant"]) / min(k, len(users[int(u)]["relevant"]))
                      for u, v in values.items()}
        metrics[f"{name}@{k}"] = sum(values.values()) / len(users)
print(json.dumps({"items": items, "cutoffs": cutoffs, "users": users, "metrics": metrics}))
