"""Values and gradients of MONAI's and torch's own losses for the batch in FOLDER/in.pt.

Writes FOLDER/out.txt, a line for each combination of options, and a file with the gradient of
0.5·wce + 2·wdice + dice for each line. Called by scheduled_loss_test.cpp.
"""
import itertools
import pathlib
import sys

import torch
from monai.losses import DiceCELoss, DiceLoss
from torch.nn.functional import cross_entropy

folder = pathlib.Path(sys.argv[1])
batch = torch.load(folder / "in.pt", weights_only=False)
labels, classes = batch["labels"], batch["logits"].shape[1]

with open(folder / "out.txt", "w") as out:
    choices = itertools.product(("float32", "float64"), (True, False), (True, False), (True, False), ("weights", "pixels"))
    for number, (dtype, background, whole_batch, squared, normalise) in enumerate(choices):
        logits = batch["logits"].clone().to(getattr(torch, dtype)).requires_grad_()
        weights = batch["weights"].to(logits.dtype)
        counted = weights if background else weights[1:]
        options = dict(softmax=True, include_background=background, batch=whole_batch,
                       squared_pred=squared, smooth_nr=1e-5, smooth_dr=1e-5)
        # Made here, since MONAI makes it in float32.
        target = torch.nn.functional.one_hot(labels, classes).movedim(-1, 1).to(logits.dtype)
        wdice = DiceLoss(weight=counted, **options)(logits, target) * len(counted) / counted.sum()
        dice = DiceLoss(**options)(logits, target)
        if normalise == "weights":
            wce = cross_entropy(logits, labels, weight=weights)
        else:
            wce = cross_entropy(logits, labels, weight=weights, reduction="sum") / labels.numel()
        if background and normalise == "weights":  # MONAI's own sum of the two, where its definition coincides
            # From labels: of one-hot targets its cross-entropy takes another mean.
            both = DiceCELoss(weight=weights, to_onehot_y=True, **options)(logits, labels.unsqueeze(1))
            torch.testing.assert_close(both, wce + wdice * counted.sum() / len(counted), rtol=1e-6, atol=1e-6)
        total = 0.5 * wce + 2 * wdice + dice
        total.backward()
        torch.save(logits.grad, folder / f"{number}.pt")
        flags = " ".join(str(int(flag)) for flag in (background, whole_batch, squared))
        print(dtype, flags, normalise, *(f"{x.item():.17g}" for x in (wce, wdice, dice)), f"{number}.pt", file=out)
