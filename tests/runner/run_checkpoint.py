"""unet.py CHECKPOINT IN OUT: the same net written in plain PyTorch, with the parameters of a checkpoint."""

import json
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn


class Double(nn.Module):
    def __init__(self, inside, outside, norm):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1, bias=not norm)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=not norm)
        if norm:
            self.norm1, self.norm2 = nn.BatchNorm2d(outside), nn.BatchNorm2d(outside)
        else:
            self.norm1 = self.norm2 = lambda x: x

    def forward(self, x):
        return torch.relu(self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x))))))


class Up(nn.Module):
    def __init__(self, outside, norm):
        super().__init__()
        self.up = nn.ConvTranspose2d(2 * outside, outside, 2, stride=2)
        self.conv = Double(2 * outside, outside, norm)

    def forward(self, below, skip):
        return self.conv(torch.cat([skip, self.up(below)], 1))


class UNet(nn.Module):
    def __init__(self, width, depth, norm, in_channels, classes, name):
        super().__init__()
        assert name == "unet"
        norm = norm == "batch"
        widths = [width << level for level in range(depth + 1)]
        self.encoder = nn.ModuleList(Double(a, b, norm) for a, b in zip([in_channels] + widths, widths[:-1]))
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


checkpoint, source, target = sys.argv[1:]
with safe_open(checkpoint, framework="pt") as file:
    net = UNet(**json.loads(file.metadata()["model"])).eval()
state = {name.removeprefix("model."): t for name, t in load_file(checkpoint).items() if name.startswith("model.")}
missing, unexpected = net.load_state_dict(state, strict=False)
assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
with torch.no_grad():
    save_file({"logits": net(load_file(source)["images"]).contiguous()}, target)
