"""encoder*.pth and encoder.safetensors: state dicts around nn.TransformerEncoder, as people keep recommenders in them, and
what PyTorch computes by them. Generated data only.

    python3 make_encoder.py          # torch 2.15

Tables of 7 users and 12 items, two layers as nn.TransformerEncoderLayer makes them by default (norm after each sum, ReLU,
norms add 1e-5), two heads, a feed-forward of 10, and `fc_out`, whose row r is the logit of item r. No dropout.

    encoder.pth            width 8: users of 3 beside items of 5. `pairs.*` of encoder.safetensors: `users` [4], `items`
                           [4 × 6], `logits` [4 × 6 × 12] of fc_out(encoder([user ++ item] + positional)), each place seeing
                           itself and those before it.
    encoder_separate.pth   the same values, where attention has q_proj_weight, k_proj_weight and v_proj_weight instead of
                           in_proj_weight, with in_proj_bias as before: PyTorch's layout where keys or values have another width
                           than queries. The same logits.
    encoder_users.pth      width 8: users and items of 8, as train_memfix_amp.py of the MovieLens-20M system has them; the table
                           of items takes no part. `users.*`: `users` [5], `logits` [5 × 12] of fc_out(encoder(user +
                           positional)), each user alone; `together` [5 × 12], what PyTorch gives for the batch as a matrix
                           [5 × 8], which it takes for one sequence: users see each other.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent
USERS, ITEMS, WIDTH, HEADS, LAYERS = 7, 12, 8, 2, 2
torch.manual_seed(13)


class Recommender(nn.Module):
    def __init__(self, user, item):
        super().__init__()
        self.user_embedding_layer = nn.Embedding(USERS, user)
        self.item_embedding_layer = nn.Embedding(ITEMS, item)
        self.positional_embedding_layer = nn.Parameter(torch.randn(1, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, dim_feedforward=10, dropout=0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, LAYERS)
        self.fc_out = nn.Linear(WIDTH, ITEMS)
        with torch.no_grad():  # the layers are copies of one, and PyTorch starts biases at 0 and norms at 1
            for name, parameter in self.encoder.named_parameters():
                parameter.copy_(torch.randn(parameter.shape) * 0.4 + (1 if "norm" in name and "weight" in name else 0))

    def forward(self, users, items=None):
        x = self.user_embedding_layer(users)
        if items is None:
            return self.fc_out(self.encoder(x + self.positional_embedding_layer))
        x = torch.cat([x.unsqueeze(1).expand(-1, items.shape[1], -1), self.item_embedding_layer(items)], -1)
        later = nn.Transformer.generate_square_subsequent_mask(items.shape[1])
        return self.fc_out(self.encoder(x + self.positional_embedding_layer, mask=later))


def separated(model):
    """The same with projections of their own. PyTorch makes such for keys of another width; here they get the queries'."""
    other = Recommender(model.user_embedding_layer.embedding_dim, model.item_embedding_layer.embedding_dim)
    state = model.state_dict()
    for number, layer in enumerate(other.encoder.layers):
        attention = nn.MultiheadAttention(WIDTH, HEADS, kdim=WIDTH + 1, vdim=WIDTH + 1, batch_first=True)
        weight = state.pop(name := f"encoder.layers.{number}.self_attn.in_proj_weight")
        for kind, part in zip("qkv", weight.chunk(3)):
            setattr(attention, f"{kind}_proj_weight", nn.Parameter(part.clone()))
            state[name.replace("in_proj", f"{kind}_proj")] = part
        layer.self_attn = attention
    other.load_state_dict(state)
    return other


def save(model, name):
    torch.save(model.state_dict(), HERE / name)
    return model


# Training mode, without dropout, is the plain path: no fused kernel of PyTorch's takes part.
out = {}
pairs = save(Recommender(3, 5), "encoder.pth")
separate = save(separated(pairs), "encoder_separate.pth")
alone = save(Recommender(WIDTH, WIDTH), "encoder_users.pth")
with torch.no_grad():
    users, items = torch.tensor([5, 0, 3, 6]), torch.randint(ITEMS, (4, 6))
    logits = pairs(users, items)
    torch.testing.assert_close(separate(users, items), logits)
    out |= {"pairs.users": users, "pairs.items": items, "pairs.logits": logits}
    users = torch.tensor([1, 4, 0, 6, 2])
    logits = torch.stack([alone(user) for user in users.split(1)]).squeeze(1)
    out |= {"users.users": users, "users.logits": logits, "users.together": alone(users)}
save_file(out, HERE / "encoder.safetensors", metadata={"torch": torch.__version__})
for file in sorted(HERE.glob("encoder*")):
    print(file.name, file.stat().st_size, "bytes")
