"""double_tensors.py IN OUT: doubles every floating-point tensor of a safetensors file, by the reference library."""

import sys

from safetensors import safe_open
from safetensors.torch import save_file

with safe_open(sys.argv[1], framework="pt") as source:
    tensors = {name: source.get_tensor(name) for name in source.keys()}
    metadata = source.metadata()
save_file({name: t * 2 if t.is_floating_point() else t for name, t in tensors.items()}, sys.argv[2], metadata)
