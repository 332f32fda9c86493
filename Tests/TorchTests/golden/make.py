"""torch.safetensors: values and gradients of a two-layer tower, an attention block and steps of optimisers, by PyTorch.

Run with a Python that has torch and safetensors; the file's size stays below 100 KB.
"""

import torch
from safetensors.torch import save_file

torch.manual_seed(7)
out = {}


def put(prefix, **tensors):
    for name, tensor in tensors.items():
        out[f"{prefix}.{name}"] = tensor.detach().clone().contiguous()


# A user and an item tower, in-batch softmax with a correction of the logits: what the parameters' gradients are.
users, items = torch.nn.Embedding(11, 6), torch.nn.Embedding(9, 6)
towers = [torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 5)) for _ in range(2)]
user_ids, item_ids = torch.randint(0, 11, (7,)), torch.randint(0, 9, (7,))
log_q = torch.log(torch.rand(7) + 0.1)
put("tower", user_ids=user_ids, item_ids=item_ids, log_q=log_q, users=users.weight, items=items.weight)
for number, tower in enumerate(towers):
    for name, parameter in tower.named_parameters():
        put(f"tower.{number}", **{name: parameter})
left, right = towers[0](users(user_ids)), towers[1](items(item_ids))
logits = left @ right.T - log_q
loss = torch.nn.functional.cross_entropy(logits, torch.arange(7))
loss.backward()
put("tower", loss=loss, logits=logits, users_grad=users.weight.grad, items_grad=items.weight.grad)
for number, tower in enumerate(towers):
    for name, parameter in tower.named_parameters():
        put(f"tower.{number}", **{name + "_grad": parameter.grad})

# An attention block: x + attention(norm(x)), causal.
width, heads = 8, 2
norm = torch.nn.LayerNorm(width)
parts = {name: torch.nn.Linear(width, width) for name in ["query", "key", "value", "output"]}
with torch.no_grad():
    norm.weight.uniform_(0.5, 1.5)
    norm.bias.uniform_(-0.5, 0.5)
x = torch.randn(3, 5, width, requires_grad=True)


def split(tensor):
    return tensor.view(3, 5, heads, width // heads).transpose(1, 2)


h = norm(x)
scores = split(parts["query"](h)) @ split(parts["key"](h)).transpose(-2, -1) / (width // heads) ** 0.5
scores = scores.masked_fill(torch.ones(5, 5).triu(1).bool(), float("-inf"))
attended = (scores.softmax(-1) @ split(parts["value"](h))).transpose(1, 2).reshape(3, 5, width)
y = x + parts["output"](attended)
upstream = torch.randn(3, 5, width)
(y * upstream).sum().backward()
put("attention", x=x, y=y, upstream=upstream, x_grad=x.grad, norm_weight=norm.weight, norm_bias=norm.bias)
put("attention", norm_weight_grad=norm.weight.grad, norm_bias_grad=norm.bias.grad)
for name, part in parts.items():
    put(f"attention.{name}", weight=part.weight, bias=part.bias, weight_grad=part.weight.grad, bias_grad=part.bias.grad)

# Losses.
scores, other, labels = torch.randn(12), torch.randn(12), torch.rand(12)
put("loss", scores=scores, other=other, labels=labels)
put("loss", bce=torch.nn.functional.binary_cross_entropy_with_logits(scores, labels))
put("loss", bpr=-torch.nn.functional.logsigmoid(scores - other).mean())
put("loss", mse=torch.nn.functional.mse_loss(scores, other))

# Three steps of each optimiser on two parameters, the second without a gradient at the second step; then clipping.
start = [torch.randn(4, 3), torch.randn(5)]
gradients = [[torch.randn(4, 3), torch.randn(5)] for _ in range(3)]
for number, parameter in enumerate(start):
    put("step", **{f"start.{number}": parameter})
    for step in range(3):
        put("step", **{f"gradient.{step}.{number}": gradients[step][number]})
kinds = {
    "adam": lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1, betas=(0.8, 0.99)),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "plain": lambda p: torch.optim.SGD(p, lr=0.1),
}
for kind, make in kinds.items():
    parameters = [torch.nn.Parameter(p.clone()) for p in start]
    optimizer = make(parameters)
    for step in range(3):
        for number, parameter in enumerate(parameters):
            parameter.grad = None if step == 1 and number == 1 else gradients[step][number].clone()
        optimizer.step()
    put(f"step.{kind}", **{str(number): parameter for number, parameter in enumerate(parameters)})
clipped = [torch.nn.Parameter(p.clone()) for p in start]
for parameter, gradient in zip(clipped, gradients[0]):
    parameter.grad = gradient.clone()
put("clip", norm=torch.nn.utils.clip_grad_norm_(clipped, 0.5))
put("clip", **{str(number): parameter.grad for number, parameter in enumerate(clipped)})

save_file(out, "torch.safetensors", metadata={"torch": torch.__version__})
print(len(out), "tensors")
