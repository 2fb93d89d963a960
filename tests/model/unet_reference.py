"""What PyTorch makes of the weights and images in FOLDER/in.pt.

Writes FOLDER/out.pt: logits in training and in evaluation mode, and the gradients of the sum of squared logits.
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from unet import UNet

folder = pathlib.Path(sys.argv[1])
state = dict(torch.load(folder / "in.pt", weights_only=False))
images = state.pop("images")
net = UNet(width=state["classifier.weight"].shape[1], depth=2, norm="batch" if "bottom.norm1.weight" in state else "none",
           in_channels=images.shape[1], classes=state["classifier.bias"].shape[0]).double().load(state)
trained = net(images)
trained.square().sum().backward()
out = {"trained": trained.detach()}
out.update({f"gradient of {name}": p.grad for name, p in net.named_parameters()})
net.eval()
out["evaluated"] = net(images).detach()
torch.save(out, folder / "out.pt")
