"""The nets of model/ in plain PyTorch, with the same names of parameters: what the C++ nets are compared with."""

from quicknat import QuickNAT
from unet import UNet


def make(options):
    """`options`: what a checkpoint's metadata call "model"."""
    common = [options[key] for key in ("width", "depth", "in_channels", "classes")]
    if options["name"] == "unet":
        return UNet(*common, norm=options["norm"])
    assert options["name"] == "quicknat"
    return QuickNAT(*common, kernel=options["kernel"])


def load(net, state):
    """Parameters and buffers by name, all of them but torch's own count of batches."""
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
    return net
