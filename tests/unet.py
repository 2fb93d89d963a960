"""The U-Net of model/unet.cpp in plain PyTorch."""

import torch
from torch import nn


class Double(nn.Module):
    def __init__(self, inside, outside, norm):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1, bias=not norm)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=not norm)
        self.norm1 = nn.BatchNorm2d(outside) if norm else nn.Identity()
        self.norm2 = nn.BatchNorm2d(outside) if norm else nn.Identity()

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
    def __init__(self, width, depth, in_channels, classes, norm="none"):
        super().__init__()
        assert norm in ("none", "batch")
        widths = [width << level for level in range(depth + 1)]
        normalise = norm == "batch"
        self.encoder = nn.ModuleList(Double(a, b, normalise) for a, b in zip([in_channels] + widths, widths[:-1]))
        self.bottom = Double(widths[-2], widths[-1], normalise)
        self.decoder = nn.ModuleList(Up(w, normalise) for w in widths[:-1])
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
