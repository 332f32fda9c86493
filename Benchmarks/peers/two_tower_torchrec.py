"""two_tower_torchrec.py: two_tower_torch.py's model with its embeddings in TorchRec's EmbeddingBagCollection, on the CPU.

The same options and report. Tables are TorchRec's own module, unsharded, looked up by KeyedJaggedTensors of one id a bag,
and trained by the fused dense Adagrad: on CPUs without fbgemm's operators TorchRec offers no other.
"""

import torch
import torchrec
from torch import nn
from two_tower_torch import adagrad, main


class Tables(nn.Module):
    def __init__(self, data, given):
        super().__init__()
        self.users, self.items = (
            torchrec.EmbeddingBagCollection(
                tables=[
                    torchrec.EmbeddingBagConfig(
                        name=name, num_embeddings=rows, embedding_dim=given.width, feature_names=[name]
                    )
                ]
            )
            for name, rows in (("user", data.users), ("item", data.items))
        )
        for weight in self.weights():
            nn.init.uniform_(weight, -(given.width**-0.5), given.width**-0.5)
        self.optimizers = [adagrad(self, given, fused=True)]

    def forward(self, users, items):
        def bags(collection, name, ids):
            jagged = torchrec.KeyedJaggedTensor.from_lengths_sync(
                keys=[name], values=ids, lengths=torch.ones(len(ids), dtype=torch.int64)
            )
            return collection(jagged).values()

        return bags(self.users, "user", users), bags(self.items, "item", items)

    def weights(self):
        return tuple(
            next(iter(collection.embedding_bags.values())).weight for collection in (self.users, self.items)
        )


if __name__ == "__main__":
    main("torchrec", torchrec.__version__, Tables)
