"""A schedule as code for MONAI: the weights are those that training had, the terms those of the formulas."""

import types
import unittest

import torch

from harness import COHORTS, GRID, Case

SHAPES = {
    "step": "{step: {0: 1, 0.3: 0.5, 0.6: 2}}",
    "linear": "{linear: {0.2: 0, 0.7: 2}}",
    "cosine": "{cosine: {0: 1, 1: 0}}",
    "exponential": "{exponential: {0.1: 0.5, 0.9: 1.5}}",
    "sigmoid": "{sigmoid: {0: 0, 0.8: 1}}",
    "constant": "0.7",
}


class Schedule(Case):
    def module(self, *arguments):
        completed = self.run_runner("report", "schedule", "--results", "r.sqlite", *arguments)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        module = types.ModuleType("schedule")
        exec(completed.stdout, module.__dict__)
        return module

    def run_grid(self, variants, *more):
        self.grid.write_text(GRID[:GRID.index("variants:")] + "variants:\n" + variants)
        completed = self.run_runner(*self.study("r.sqlite"), *more)
        self.assertEqual(completed.returncode, 0, completed.stderr)

    def test_has_the_weights_that_training_had(self):
        self.run_grid("".join(f"  {shape}: {{loss: {{wce: 1, wdice: {curve}}}}}\n" for shape, curve in SHAPES.items()))
        for shape in SHAPES:
            schedule = self.module("--format", "python", "--variant", shape).SCHEDULES["pretrain"]
            weight = self.module("--format", "python", "--variant", shape).weight
            rows = self.query("r.sqlite", f"""select e.step, s.epochs, e.epoch, x.weight from epoch_term x join epoch e on e.id = x.epoch_id
                join stage s on s.id = e.stage_id join trial t on t.id = s.trial_id join variant v on v.id = t.variant_id
                where v.name = '{shape}' and x.term = 'wdice'""")
            self.assertEqual(len(rows), 4)
            for step, epochs, epoch, expected in rows:
                progress = (step - 1) / (step // epoch * epochs)  # of the epoch's last step
                self.assertAlmostEqual(weight(*schedule[1][1:], progress), expected, places=12, msg=f"{shape} at {progress}")

    def test_has_the_terms_of_the_formulas(self):
        for options in ({}, {"background": "false", "batch": "false"}, {"squared_denominator": "true", "normalise": "pixels"}):
            with self.subTest(options=options):
                text = ", ".join(f"{key}: {value}" for key, value in options.items())
                self.run_grid(f"  all: {{loss: {{wce: 0.5, wdice: 2, dice: 1}}, loss_options: {{{text}}}}}\n", "--set", "stages.pretrain.epochs=1")
                self.check_terms(self.module("--format", "python", "--variant", "all"), options)

    def test_one_class_beside_the_background_keeps_its_dice(self):
        self.run_grid("  all: {loss: {wdice: 2}, loss_options: {background: false}}\n", "--set", "stages.pretrain.epochs=1")
        loss = self.module("--format", "python", "--variant", "all").ScheduledLoss("pretrain", torch.tensor([0.5, 10.0]))
        logits, labels = torch.tensor([[[[0.0, 0.0]], [[0.0, 0.0]]]]), torch.tensor([[[1, 0]]])
        # Half of each pixel against one: 2 * 0.5 / (1 + 1), and of one class its weight is none.
        self.assertAlmostEqual(loss(logits, labels, 0.5).item(), 2 * (1 - 0.5), places=4)

    def check_terms(self, module, options):
        torch.manual_seed(1)
        logits, labels = torch.randn(3, 4, 6, 5, dtype=torch.double), torch.randint(0, 4, (3, 6, 5))
        weights = torch.tensor([0.1, 2, 1, 0.7], dtype=torch.double)
        p, g = logits.softmax(1), torch.nn.functional.one_hot(labels, 4).movedim(-1, 1).double()
        nll = -(p.log() * g).sum(1)
        of_pixel = weights[labels]
        wce = (of_pixel * nll).sum() / (labels.numel() if "normalise" in options else of_pixel.sum())
        over = (0, 2, 3) if options.get("batch") != "false" else (2, 3)
        squared = 2 if "squared_denominator" in options else 1
        dice = (2 * (p * g).sum(over) + 1e-5) / ((p**squared).sum(over) + (g**squared).sum(over) + 1e-5)
        counted = weights
        if options.get("background") == "false":
            dice, counted = dice[..., 1:], weights[1:]
        wdice = (1 - (dice * counted).sum(-1) / counted.sum()).mean()
        expected = 0.5 * wce + 2 * wdice + (1 - dice.mean(-1)).mean()
        loss = module.ScheduledLoss("pretrain", weights)(logits, labels, 0.5)
        self.assertAlmostEqual(loss.item(), expected.item(), places=6)  # MONAI makes its one-hot labels in float32

    def test_refuses_what_monai_lacks(self):
        self.run_grid("  boundary: {loss: {wce_boundary: 1}}\n", "--set", "stages.pretrain.epochs=1")
        for arguments, said in ((["--format", "python", "--variant", "boundary"], "the term wce_boundary"),
                                (["--format", "python"], "has found no schedule; name a --variant"),
                                (["--format", "yaml"], "has no search"),
                                (["--format", "csv"], "only yaml and python")):
            completed = self.run_runner("report", "schedule", "--results", "r.sqlite", *arguments)
            self.assertEqual(completed.returncode, 2)
            self.assertIn(said, completed.stderr)
        self.assertIn("only with schedule", self.run_runner("report", "--results", "r.sqlite", "--format", "python").stderr)


if __name__ == "__main__":
    unittest.main()
