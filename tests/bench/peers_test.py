"""The peers of bench/ do the work that they are timed for. Nothing is compiled or timed here."""

import pathlib
import sys
import unittest

import numpy
import torch
from monai.losses import DiceCELoss, DiceLoss
from monai.metrics import compute_hausdorff_distance, compute_surface_dice

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench" / "peers"))
import losses
import table1
import train_step

torch.set_num_threads(1)


class Losses(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        self.logits = torch.randn(2, 5, 12, 16, requires_grad=True)
        self.labels = torch.randint(4, (2, 12, 16))  # class 4 is absent
        self.weights = torch.tensor([0.1, 3, 1, 0.5, 0.4])  # of mean 1

    def assert_same_gradient(self, one, other):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(*(torch.autograd.grad(value, self.logits)[0] for value in (one, other)))

    def terms(self, **terms):
        return losses.loss(self.logits, self.labels, self.weights, terms)

    def test_both_forms_of_the_sum_are_monais(self):
        monai = DiceCELoss(to_onehot_y=True, softmax=True, batch=True, weight=self.weights)
        for ours in (self.terms(wce=1, wdice=1), losses.wce_and_wdice(self.logits, self.labels, self.weights)):
            self.assert_same_gradient(ours, monai(self.logits, self.labels.unsqueeze(1)))

    def test_dice_is_monais_without_weights(self):
        monai = DiceLoss(to_onehot_y=True, softmax=True, batch=True)
        self.assert_same_gradient(self.terms(dice=2), 2 * monai(self.logits, self.labels.unsqueeze(1)))

    def test_boundaries_weigh_more(self):
        labels = self.labels.tolist()
        total = weights = 0
        for n, y, x in numpy.ndindex(*self.labels.shape):
            own = labels[n][y][x]
            around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            edge = any(0 <= v < 12 and 0 <= u < 16 and labels[n][v][u] != own for v, u in around)
            omega = self.weights[own] + 2 * 3 * edge
            total = total - omega * torch.log_softmax(self.logits[n, :, y, x], 0)[own]
            weights += omega
        self.assert_same_gradient(self.terms(wce_boundary=1), total / weights)


class TrainStep(unittest.TestCase):
    work = train_step.Work(width=4, side=32)

    def test_settings_that_compile_nothing_have_one_loss_and_lower_it(self):
        for precision, within in (("fp32", 1e-4), ("bf16", 0.05)):
            first = []
            for setting in train_step.SETTINGS[:2]:
                step = train_step.Step(self.work, setting, precision)
                first.append(step().item())
                for _ in range(20):
                    last = step().item()
                self.assertLess(last, first[-1])
            self.assertAlmostEqual(*first, delta=within)

    def test_convolutions_alone_are_those_of_the_net(self):
        for norm in ("none", "batch"):
            alone = train_step.Convolutions(train_step.Work(4, 32, norm), "bf16")
            self.assertEqual(len(alone.calls), 2 * (train_step.DEPTH + 1) + 3 * train_step.DEPTH + 1)
            masks = [mask for *_, mask in alone.calls]
            self.assertEqual(masks[0], [False, True, norm == "none"])
            self.assertEqual({mask[0] for mask in masks[1:]}, {True})
            for image, weight, _, gradient, _, _ in alone.calls:
                self.assertEqual({tensor.dtype for tensor in (image, weight, gradient)}, {torch.bfloat16})
                self.assertTrue(image.is_contiguous(memory_format=torch.channels_last))
            alone()

    def test_peak_counts_what_a_step_holds_at_once_and_not_the_gradients_before_it(self):
        class Holds:
            work = train_step.Work()

            def __call__(self):
                self.kept = None  # as zero_grad() does
                both = torch.empty(3 << 20), torch.empty(1 << 20)
                del both
                self.kept = torch.empty(2 << 20)

        step = Holds()
        step()
        self.assertEqual(train_step.peak_allocated(step), (3 + 1 - 2) * 4 << 20)


class Table1(unittest.TestCase):
    def test_stages_are_those_of_the_grid(self):
        text = (pathlib.Path(__file__).parents[2] / "experiments/table1.yaml").read_text()
        variants = text.split("\nvariants:\n")[1].split("\nclaims:")[0]
        for stage in table1.STAGES:
            self.assertIn(f"\n  {stage.variant}:", "\n" + variants)
        self.assertEqual(sum(not stage.after for stage in table1.STAGES), 6)
        self.assertEqual(sum(bool(stage.after) for stage in table1.STAGES), variants.count("*manual")
                         + variants.count("&manual") + variants.count("labels: automatic"))

    def test_schedule_passes_over(self):
        weights = [table1.terms_at(table1.SCHEDULED, progress) for progress in (0, 0.39, 0.4, 0.69, 0.7, 1)]
        sums = {"wce": 1, "wdice": 1}
        self.assertEqual(weights, [{"wce": 1}, {"wce": 1}, sums, sums, {"wdice": 1}, {"wdice": 1}])
        self.assertEqual(table1.terms_at(table1.finetuned(table1.SCHEDULED), 0), {"wdice": 1})

    def test_surfaces_are_monais(self):
        random = numpy.random.default_rng(1)
        truth, prediction = random.integers(0, 4, (2, 9, 10, 11)).astype(numpy.uint8)
        truth[truth == 3] = 0
        truth[2:7, 2:6, 3:8] = prediction[3:7, 1:6, 3:7] = 1
        mm = numpy.array([2.0, 1, 1.5])
        ours = numpy.array(table1.surfaces(truth, prediction, mm))
        one_hot = lambda volume: torch.nn.functional.one_hot(torch.from_numpy(volume).long(), 28).movedim(-1, 0)[None]
        both = one_hot(prediction), one_hot(truth)
        hd95 = compute_hausdorff_distance(*both, percentile=95, spacing=list(mm))[0]
        nsd = compute_surface_dice(*both, [1.0] * 27, spacing=list(mm))[0]
        numpy.testing.assert_allclose(ours[:2, 0], hd95[:2], rtol=1e-6)
        numpy.testing.assert_allclose(ours[:3, 1], nsd[:3], rtol=1e-6)
        self.assertAlmostEqual(ours[2, 0], numpy.linalg.norm([18, 10, 16.5]))  # the prediction alone has it
        self.assertTrue(numpy.isnan(ours[3:]).all())


if __name__ == "__main__":
    unittest.main()
