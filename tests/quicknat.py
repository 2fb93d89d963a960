"""The QuickNAT of model/quicknat.cpp in plain PyTorch."""

import torch
from torch import nn


class Dense(nn.Module):
    def __init__(self, inside, filters, kernel):
        super().__init__()
        for number, (channels, side) in enumerate([(inside, kernel), (inside + filters, kernel), (inside + 2 * filters, 1)], 1):
            self.add_module(f"norm{number}", nn.BatchNorm2d(channels))
            self.add_module(f"conv{number}", nn.Conv2d(channels, filters, side, padding=side // 2))

    def forward(self, x):
        one = self.conv1(torch.relu(self.norm1(x)))
        two = self.conv2(torch.relu(self.norm2(torch.cat([x, one], 1))))
        return self.conv3(torch.relu(self.norm3(torch.cat([x, one, two], 1))))


class QuickNAT(nn.Module):
    def __init__(self, width, depth, in_channels, classes, kernel=5):
        super().__init__()
        self.encoder = nn.ModuleList(Dense(in_channels if level == 0 else width, width, kernel) for level in range(depth))
        self.decoder = nn.ModuleList(Dense(2 * width, width, kernel) for level in range(depth))
        self.bottom = nn.Module()
        self.bottom.conv = nn.Conv2d(width, width, kernel, padding=kernel // 2)
        self.bottom.norm = nn.BatchNorm2d(width)
        self.classifier = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        skips, places = [], []
        for level in self.encoder:
            skips.append(level(x))
            x, place = nn.functional.max_pool2d(skips[-1], 2, return_indices=True)
            places.append(place)
        x = self.bottom.norm(self.bottom.conv(x))
        for level, skip, place in zip(reversed(self.decoder), reversed(skips), reversed(places)):
            x = level(torch.cat([skip, nn.functional.max_unpool2d(x, place, 2)], 1))
        return self.classifier(x)
