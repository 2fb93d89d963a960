"""run_checkpoint.py CHECKPOINT IN OUT: what PyTorch makes of the images in IN with the net of a checkpoint."""

import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "model"))
import nets

checkpoint, source, target = sys.argv[1:]
net, about = nets.load_checkpoint(checkpoint)
assert about["variant"] == "[A] a name that is no JSON" and isinstance(about["model"], dict), about
with torch.no_grad():
    save_file({"logits": net(load_file(source)["images"]).contiguous()}, target)
