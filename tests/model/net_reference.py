"""What PyTorch makes of the net in FOLDER/options.json with the weights and images in FOLDER/in.pt.

Writes FOLDER/out.pt: logits in training and in evaluation mode, and the gradients of the sum of squared logits.
"""
import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
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
out.update({f"gradient of {name}": p.grad for name, p in net.named_parameters()})
net.eval()
out["evaluated"] = net(images).detach()
torch.save(out, folder / "out.pt")
