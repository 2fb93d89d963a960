"""What PyTorch makes of the net in FOLDER/options.json with the weights and images in FOLDER/in.pt.

Writes FOLDER/out.pt: logits in training and in evaluation mode, and the gradients of the sum of squared logits; and
what autocast to bfloat16 makes of logits and gradients in training mode.
"""
import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "model"))
import nets

folder = pathlib.Path(sys.argv[1])
options = json.loads((folder / "options.json").read_text())
state = dict(torch.load(folder / "in.pt", weights_only=False))
images = state.pop("images")
net = nets.make(options).double()
nets.load(net, state)
trained = net(images)
trained.square().sum().backward()
out = {"trained": trained.detach()}
out.update({f"gradient of {name}": p.grad.clone() for name, p in net.named_parameters()})
net.eval()
out["evaluated"] = net(images).detach()
net.train().float().zero_grad()
with torch.autocast("cpu", torch.bfloat16):
    rounded = net(images.float())
rounded.float().square().sum().backward()
out["rounded"] = rounded.detach().double()
out.update({f"rounded gradient of {name}": p.grad.double() for name, p in net.named_parameters()})
torch.save(out, folder / "out.pt")
