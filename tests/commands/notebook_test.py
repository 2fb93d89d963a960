"""docs/notebook.md, block after block, on a study that was just trained: its numbers are those of the database."""

import os
import pathlib
import re
import unittest

import numpy
from harness import COHORTS, GRID, Case

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Notebook(Case):
    def run_blocks(self):
        """The variables that the page's code leaves."""
        text = (ROOT / "docs/notebook.md").read_text().replace("crossfade/model", str(ROOT / "model"))
        blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        self.assertGreater(len(blocks), 3)
        variables = {}
        before = os.getcwd()
        os.chdir(self.folder)
        try:
            for block in blocks:
                exec(compile(block, "docs/notebook.md", "exec"), variables)
        finally:
            os.chdir(before)
        self.addCleanup(variables["db"].close)
        return variables

    def test_its_numbers_are_those_of_the_database(self):
        (self.folder / "cohorts").symlink_to(COHORTS, target_is_directory=True)
        completed = self.run_runner("--grid", self.grid, "--cohorts", COHORTS, "--results", "results/mine.sqlite")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        found = self.run_blocks()

        self.assertEqual(list(found["table1"]["variant"]), ["sum", "scheduled"])
        self.assertEqual(len(found["curves"]), 8)
        best = found["best"]
        rows = self.query("results/mine.sqlite", f"""select structure, dice, true_positive from figure2
            where variant = '{best['variant']}' and subject = '{found['subject']}' order by structure""")
        self.assertEqual({name for name, *_ in rows}, set(found["dice"]))
        other_voxels = 0
        for name, dice, true_positive in rows:
            self.assertEqual(found["dice"][name] is None, dice is None, name)
            here = (found["predicted"] == found["truth"]) & (found["truth"] == found["classes"].index(name))
            other_voxels += abs(int(here.sum()) - true_positive)
        # Of 32,768: those whose two best classes are a rounding apart.
        self.assertLessEqual(other_voxels, 3)
        # PyTorch's and ONNX Runtime's convolutions add in other orders: float32's 1e-7 over some thousand terms.
        numpy.testing.assert_allclose(found["logits_of_onnx"], found["logits"][:8].numpy(), rtol=1e-3, atol=1e-4)


if __name__ == "__main__":
    unittest.main()
