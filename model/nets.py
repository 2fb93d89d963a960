"""Crossfade's nets in plain PyTorch, for whoever goes on with a checkpoint there: MONAI's inferers, ONNX, a notebook.

    import nets
    net, about = nets.load_checkpoint("results/STUDY/checkpoints/HASH/best.safetensors")
    logits = net(images)                                # [N, channels, H, W] -> [N, classes, H, W]
    about["data"]["classes"]                            # names, in the order of the net's outputs

One file that needs torch and safetensors alone: copy it where it is wanted. Modules and parameters are called as in
model/unet.cpp and model/quicknat.cpp, which the tests hold against it.
"""

import json

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


def make(options):
    """A net with new weights. `options`: what a checkpoint's metadata call "model"."""
    common = [options[key] for key in ("width", "depth", "in_channels", "classes")]
    if options["name"] == "unet":
        return UNet(*common, norm=options["norm"])
    if options["name"] == "quicknat":
        return QuickNAT(*common, kernel=options["kernel"])
    raise ValueError(f"there is no net {options['name']!r} here, only unet and quicknat")


def load(net, state):
    """Parameters and buffers by name, all of them but torch's own count of batches."""
    missing, unexpected = net.load_state_dict(state, strict=False)
    if unexpected or not all(name.endswith("num_batches_tracked") for name in missing):
        raise ValueError(f"not the weights of this net: {missing} are missing, {unexpected} are too many")
    return net


def load_checkpoint(path):
    """The net of a best.safetensors or last.safetensors, in evaluation mode, and what the file says of itself
    (docs/checkpoints.md): "model", "data" and "position" as dicts, "epochs" as a list, the rest as text."""
    from safetensors import safe_open
    with safe_open(path, framework="pt") as file:
        about = {key: json.loads(text) if key in ("model", "data", "position", "epochs") else text
                 for key, text in file.metadata().items()}
        if about.get("format") != "crossfade-checkpoint" or about.get("version") != "1":
            raise ValueError(f"{path} is no checkpoint of version 1: {about.get('format')} {about.get('version')}")
        state = {name.removeprefix("model."): file.get_tensor(name) for name in file.keys() if name.startswith("model.")}
    return load(make(about["model"]), state).eval(), about
