"""The U-Net of model/unet.cpp written with torch.nn, for the weights and images in FOLDER/in.pt.

Writes FOLDER/out.pt: logits in training and in evaluation mode, and the gradients of the sum of squared logits.
"""
import pathlib
import sys

import torch
from torch import nn

folder = pathlib.Path(sys.argv[1])
state = dict(torch.load(folder / "in.pt", weights_only=False))
images = state.pop("images")


class Double(nn.Module):
    def __init__(self, inputs, outputs, norm):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=not norm)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=not norm)
        self.norm1 = nn.BatchNorm2d(outputs) if norm else nn.Identity()
        self.norm2 = nn.BatchNorm2d(outputs) if norm else nn.Identity()

    def forward(self, x):
        x = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(x)))


class Up(nn.Module):
    def __init__(self, outputs, norm):
        super().__init__()
        self.up = nn.ConvTranspose2d(2 * outputs, outputs, 2, stride=2)
        self.conv = Double(2 * outputs, outputs, norm)

    def forward(self, below, skip):
        return self.conv(torch.cat((skip, self.up(below)), dim=1))


class UNet(nn.Module):
    def __init__(self, inputs, width, depth, classes, norm):
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.encoder = nn.ModuleList(Double(a, b, norm) for a, b in zip([inputs] + widths, widths[:-1]))
        self.bottom = Double(widths[-2], widths[-1], norm)
        self.decoder = nn.ModuleList(Up(w, norm) for w in widths[:-1])
        self.classifier = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        skips = []
        for level in self.encoder:
            skips.append(level(x))
            x = nn.functional.max_pool2d(skips[-1], 2)
        x = self.bottom(x)
        for level, skip in zip(reversed(self.decoder), reversed(skips)):
            x = level(x, skip)
        return self.classifier(x)


norm = "bottom.norm1.weight" in state
net = UNet(images.shape[1], state["classifier.weight"].shape[1], 2, state["classifier.bias"].shape[0], norm).double()
missing, unexpected = net.load_state_dict(state, strict=False)
assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
trained = net(images)
trained.square().sum().backward()
out = {"trained": trained.detach()}
out.update({f"gradient of {name}": p.grad for name, p in net.named_parameters()})
net.eval()
out["evaluated"] = net(images).detach()
torch.save(out, folder / "out.pt")
