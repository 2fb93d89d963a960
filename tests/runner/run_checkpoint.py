"""run_checkpoint.py CHECKPOINT IN OUT: what PyTorch makes of the images in IN with the net of a checkpoint."""

import json
import pathlib
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import nets

checkpoint, source, target = sys.argv[1:]
with safe_open(checkpoint, framework="pt") as file:
    net = nets.make(json.loads(file.metadata()["model"])).eval()
nets.load(net, {name.removeprefix("model."): t for name, t in load_file(checkpoint).items() if name.startswith("model.")})
with torch.no_grad():
    save_file({"logits": net(load_file(source)["images"]).contiguous()}, target)
