"""A search finds what its method says from validation alone, however often it is killed, and trains what is shared once."""

import csv
import json
import types
import unittest

import kills
from harness import COHORTS, Case

GRID = """\
study: searching
cohorts:
  phantom: {source: phantom, subjects: 5, size: 32, seed: 7, split: {train: 2, validation: 1, test: 2}}
defaults:
  seeds: [1, 2]
  model: {name: unet, width: 4, depth: 2, norm: batch}
  optimizer: {lr: 0.02, clip_norm: 1}
  stages:
    pretrain: {cohort: phantom, epochs: 5, batch: 8}
variants:
  w-CE:      {loss: {wce: 1}}
  w-Dice:    {loss: {wdice: 1}}
search:
  name: found
  method: branch
  seeds: [11, 12]
  space:
    first: {from: 0.2, to: 0.6}
    second: {from: 0.4, to: 0.8}
  constraints: [first < second]
  settings: {loss: {wce: {step: {0: 1, $second: 0}}, wdice: {step: {0: 0, $first: 1}}}}
"""

CANDIDATES = "select point, dice, epochs, seeds, variant from search_candidate order by position"


class Search(Case):
    def setUp(self):
        super().setUp()
        self.grid.write_text(GRID)

    def run_study(self, name, *more, ranks=2):
        """What it said, and how many steps of each trial were trained."""
        log = self.folder / f"{name}.csv"
        completed = self.run_runner("--grid", self.grid, "--cohorts", COHORTS, "--results", f"{name}.sqlite", "--log-steps", log,
                                    *more, ranks=ranks)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        with open(log, encoding="utf-8") as file:
            steps = [row["trial"] for row in csv.DictReader(file)]
        return completed, len(steps)

    def test_sees_no_test_subject_and_trains_what_is_shared_once(self):
        completed, steps = self.run_study("r")
        candidates = self.query("r.sqlite", CANDIDATES)
        points = [json.loads(point) for point, *_ in candidates]
        self.assertEqual(points[:3], [{"first": 0.2, "second": 1.0}, {"first": 0.4, "second": 1.0}, {"first": 0.6, "second": 1.0}])
        self.assertGreater(len(points), 3, "the second moment had its turn")
        best = max(range(len(candidates)), key=lambda c: candidates[c][1])
        self.assertEqual([c for c, row in enumerate(candidates) if row[4] == "found"], [best])
        self.assertEqual({row[3] for row in candidates}, {2})

        # Its score by hand: the mean over the search's seeds of the validation Dice after the last epoch.
        by_hand = self.query("r.sqlite", """select avg(e.dice_mean) from epoch e join stage s on s.id = e.stage_id
            join trial t on t.id = s.trial_id join candidate_trial c on c.hash = t.hash where e.epoch = 5 group by c.position""")
        for (expected,), row in zip(by_hand, candidates):
            self.assertAlmostEqual(row[1], expected, places=12)

        tested = self.query("r.sqlite", """select s.part, count(*) from subject_score s join stage g on g.id = s.stage_id
            join trial t on t.id = g.trial_id join candidate_trial c on c.hash = t.hash group by 1""")
        self.assertEqual([part for part, _ in tested], ["validation"])
        rows = self.query("r.sqlite", "select variant, seeds, subjects from table1")
        self.assertEqual(rows, [("w-CE", 2, 2), ("w-Dice", 2, 2), ("found", 2, 2)])
        self.assertEqual(self.query("r.sqlite", "select distinct variant from figure1 where variant like '%[%'"), [])
        self.assertEqual(self.query("r.sqlite", "select better, than from claim"), [("found", "w-CE"), ("found", "w-Dice")])
        self.assertEqual(list((self.folder / "r").glob("**/branch.safetensors")), [], "nobody needs them any more")

        # As a module it is the schedule that its trials had.
        module = types.ModuleType("found")
        exec(self.run_runner("report", "schedule", "--results", "r.sqlite", "--format", "python").stdout, module.__dict__)
        point = points[best]
        self.assertEqual(module.SCHEDULES, {"pretrain": [("wce", "step", [(0, 1), (point["second"], 0)]), ("wdice", "step", [(0, 0), (point["first"], 1)])]})

        # The same with each trial for itself; epochs are counted by the forest in both.
        _, alone = self.run_study("alone", "--no-share")
        self.assertEqual(self.query("alone.sqlite", CANDIDATES), candidates)
        steps_an_epoch = alone / (5 * 2 * (len(points) + 3))
        self.assertAlmostEqual(steps, steps_an_epoch * (sum(row[2] for row in candidates) + 30 - self.shared_by_variants()))
        self.assertLess(steps, alone)

        before = (self.folder / "r.csv").read_text()
        again, _ = self.run_study("r")
        self.assertEqual((self.folder / "r.csv").read_text(), before, "all is known already")
        self.assertIn("found", again.stdout)

    def shared_by_variants(self):
        """Epochs of w-CE that the schedule found does not train again, over both seeds."""
        point = json.loads(self.query("r.sqlite", "select point from candidate where variant = 'found'")[0][0])
        return 2 * 5 * point["first"]

    def test_every_method_ends_the_same_however_often_it_is_killed(self):
        methods = {"branch": "method: branch",
                   "grid": "method: grid",
                   "random": "method: random\n  batch: 2\n  budget: {epochs: 28}",
                   "model": "method: model\n  batch: 2\n  budget: {epochs: 34}"}
        # Of two ranks: one group of both, or a group each.
        runs = [("branch", 1), ("grid", 2), ("random", 1), ("model", 2), ("branch", 2), ("random", 2)]
        for seed, (method, ranks_per_trial) in enumerate(runs):
            with self.subTest(method=method, ranks_per_trial=ranks_per_trial):
                made = []
                kills.kill_many(1, seed=seed, per_study=1, say=print, record=made.extend, arrangements=[ranks_per_trial],
                                grid=GRID.replace("method: branch", methods[method]), cohorts=COHORTS)
                self.assertEqual(len(made), 1)

    def test_finds_the_same_on_one_group_as_on_two(self):
        for method in ("grid", "model\n  batch: 2\n  budget: {epochs: 34}"):
            with self.subTest(method=method):
                self.grid.write_text(GRID.replace("method: branch", f"method: {method}") + "run: {ranks_per_trial: 1, threads: 1}\n")
                found = []
                for ranks in (1, 2):
                    name = f"{method[:4]}{ranks}"
                    self.run_study(name, ranks=ranks)
                    found.append((self.query(f"{name}.sqlite", CANDIDATES), self.query(f"{name}.sqlite", "select * from table1")))
                self.assertEqual(found[0], found[1])

    def test_leaves_nothing_of_its_candidates_behind(self):
        for views in ("", "views: {axial: 0.5, coronal: 0.5}, "):
            with self.subTest(views=views):
                self.grid.write_text(GRID.replace("method: branch", "method: grid")
                                     .replace("from: 0.2, to: 0.6", "from: 0.2, to: 0.2").replace("from: 0.4, to: 0.8", "from: 0.6, to: 0.8")
                                     .replace("epochs: 5, batch: 8}\n", "epochs: 5, batch: 8}\n    finetune: {cohort: phantom, epochs: 1, batch: 8}\n")
                                     .replace("settings: {", "settings: {" + views))
                name = "views" if views else "plain"
                self.run_study(name)
                kept = {path.name for path in (self.folder / name / "checkpoints").iterdir()}
                rows = self.query(f"{name}.sqlite", "select distinct substr(s.hash, 1, 16) from stage s join trial t on t.id = s.trial_id"
                                                    " where t.in_grid and s.plane <> 'all'")
                self.assertEqual(kept, {row[0] for row in rows})

    def test_leaves_no_branch_of_a_search_that_was_given_up_for_it(self):
        self.run_study("r", "--only", "first=0.2")
        branches = list((self.folder / "r").glob("**/branch.safetensors"))
        self.assertGreater(len(branches), 0, "for the candidates that were left out")
        self.grid.write_text(GRID.replace("lr: 0.02", "lr: 0.01").replace("from: 0.2, to: 0.6", "from: 0.4, to: 0.4"))
        self.run_study("r")
        self.assertEqual(list((self.folder / "r").glob("**/branch.safetensors")), [])

    def test_a_finalist_that_is_a_variant_is_its_row(self):
        self.grid.write_text(GRID.replace("variants:\n", "variants:\n  twin: {loss: {wce: {step: {0: 1, 0.8: 0}}, wdice: {step: {0: 0, 0.4: 1}}}}\n")
                             .replace("method: branch", "method: grid").replace("from: 0.2, to: 0.6", "from: 0.4, to: 0.4")
                             .replace("from: 0.4, to: 0.8", "from: 0.8, to: 0.8") + "claims: {mine: {better: twin, than: w-CE}}\n")
        self.run_study("r")
        self.assertEqual([row[4] for row in self.query("r.sqlite", CANDIDATES)], ["twin"])
        self.assertEqual([row[0] for row in self.query("r.sqlite", "select variant from table1")], ["twin", "w-CE", "w-Dice"])
        claims = "select name, better, than from claim order by position"
        self.assertEqual(self.query("r.sqlite", claims), [("mine", "twin", "w-CE"), ("found vs. w-Dice", "twin", "w-Dice")])

    def test_a_candidate_that_diverges_scores_nothing(self):
        self.grid.write_text(GRID.replace("method: branch", "method: grid")
                             .replace("settings: {", "settings: {model: {norm: none}, optimizer: {name: sgd, lr: 100, clip_norm: 0}, ")
                             .replace("wce: {step: {0: 1,", "wce: {step: {0: $scale,")
                             .replace("wdice: {step: {0: 0, $first: 1}}", "wdice: {step: {0: 0, $first: $scale}}")
                             .replace("  constraints", "    scale: [1e-4, 1e6]\n  constraints")
                             .replace("from: 0.2, to: 0.6", "from: 0.4, to: 0.4").replace("from: 0.4, to: 0.8", "from: 0.8, to: 0.8"))
        self.run_study("r")
        rows = {json.loads(point)["scale"]: (dice, variant) for point, dice, _, _, variant in self.query("r.sqlite", CANDIDATES)}
        self.assertEqual(rows[1e6], (0, None))
        stopped = self.query("r.sqlite", "select t.seed, s.stopped <> '' from stage s join trial t on t.id = s.trial_id join variant v"
                                         " on v.id = t.variant_id where v.name like '%scale=1000000]' order by 1")
        self.assertEqual(stopped, [(11, 1), (12, 1)])
        self.assertEqual(rows[1e-4][1], "found")

    def test_budgets_end_it_and_another_search_forgets_it(self):
        self.run_study("r", "--set", "search.method=grid", "--set", "search.budget.epochs=24")
        rows = self.query("r.sqlite", CANDIDATES)
        self.assertLess(len(rows), 6)
        self.assertLessEqual(sum(row[2] for row in rows), 24)
        trials = self.query("r.sqlite", "select count(*) from trial")[0][0]
        self.assertNotIn("Other searches", self.run_runner("report", "search", "--results", "r.sqlite").stdout)
        self.run_study("r", "--set", "search.space.first.from=0.4")
        beside = len({row[0] for row in rows} - {row[0] for row in self.query("r.sqlite", CANDIDATES)})
        self.assertGreater(beside, 0)
        self.assertIn(f"Other searches of this study tried {beside} candidate",
                      " ".join(self.run_runner("report", "search", "--results", "r.sqlite").stdout.split()))
        self.assertEqual(self.query("r.sqlite", "select method from search"), [("branch",)])
        self.assertGreater(self.query("r.sqlite", "select count(*) from trial")[0][0], trials, "what was trained stays")
        self.assertEqual(self.query("r.sqlite", "select count(*) from search_candidate where dice is null")[0][0], 0)

    def test_a_budget_of_minutes_ends_a_grid_too_and_finalists_may_be_fewer_than_asked_for(self):
        completed, _ = self.run_study("r", "--set", "search.method=grid", "--set", "search.budget.minutes=0.001",
                                      "--set", "search.batch=1", "--set", "search.finalists=3")
        self.assertEqual(len(self.query("r.sqlite", CANDIDATES)), 1)
        self.assertIn("search.finalists is 3, but the search found 1", completed.stderr)
        self.assertEqual(self.query("r.sqlite", "select better, than from claim"), [("found", "w-CE"), ("found", "w-Dice")])

    def test_a_budget_below_one_candidate_is_refused(self):
        completed = self.run_runner("--grid", self.grid, "--cohorts", COHORTS, "--results", "r.sqlite", "--set", "search.method=grid",
                                    "--set", "search.budget.epochs=9", ranks=2)
        self.assertEqual(completed.returncode, 2, completed.stderr)
        self.assertIn("search.budget.epochs is 9, but the first candidate takes 10 (epochs of all its 2 seeds), expected as many or more",
                      completed.stderr)

    def test_opens_the_cohorts_that_later_rounds_will_name(self):
        self.grid.write_text(GRID.replace("seed: 7, split: {train: 2, validation: 1, test: 2}}",
                                          "seed: 7, split: {train: 2, validation: 1, test: 2}}\n"
                                          "  other: {source: phantom, subjects: 5, size: 32, seed: 7, scans_per_subject: 2, split: {train: 2, validation: 1, test: 2}}")
                             .replace("method: branch", "method: random\n  batch: 1\n  budget: {epochs: 40}")
                             .replace("  constraints", "    where: [phantom, other]\n  constraints")
                             .replace("settings: {", "settings: {stages: {pretrain: {cohort: $where}}, "))
        self.run_study("r")
        self.assertEqual({json.loads(row[0])["where"] for row in self.query("r.sqlite", CANDIDATES)}, {"phantom", "other"})

    def test_only_leaves_candidates_out_and_says_so(self):
        completed, _ = self.run_study("r", "--only", "w-CE", "--only", "(seed 11)")
        self.assertIn("the search waits for 3 of its trials", completed.stderr)
        self.assertEqual(self.query("r.sqlite", "select variant, trials from table1"), [("w-CE", 2), ("w-Dice", 0)])

    def test_is_replayed_by_the_methods_that_its_grid_allows(self):
        self.grid.write_text(GRID.replace("method: branch", "method: grid").replace("from: 0.2, to: 0.6", "from: 0.2, to: 0.4")
                             .replace("from: 0.4, to: 0.8", "from: 0.6, to: 0.6"))
        self.run_study("r")
        arguments = ["replay", "--results", "r.sqlite", "--replays", 20]
        lacks = "the known grid lacks 1 (never) of 'second', with which it begins, expected a range up to 1"
        completed = self.run_runner(*arguments)
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertEqual(completed.stderr.count(f"warning: method branch is left out: {lacks}"), 1, completed.stderr)
        with open(self.folder / "replay.csv", encoding="utf-8") as file:
            medians = {row["method"]: float(row["median"]) for row in csv.DictReader(file)}  # the last of each
        self.assertEqual(set(medians), {"grid", "random", "model"})
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in completed.stdout.splitlines() if line.startswith("|")]
        self.assertEqual({row[0]: row[-1] for row in rows[2:]}, {method: f"{median:.4f}" for method, median in medians.items()})
        self.assertIn("replay.svg", completed.stdout)

        named = self.run_runner(*arguments, "--methods", "grid", "branch")
        self.assertEqual(named.returncode, 2, named.stderr)
        self.assertIn(f"the search of study 'searching' can't be replayed by method branch: {lacks}", named.stderr)
        nowhere = self.run_runner(*arguments, "--output", "nowhere/replay")
        self.assertEqual(nowhere.returncode, 2, nowhere.stderr)
        self.assertIn("there is no folder nowhere", nowhere.stderr)
        (self.folder / "drawn.png").mkdir()  # which no file can replace
        unwritten = self.run_runner(*arguments, "--output", "drawn")
        self.assertEqual(unwritten.returncode, 1, unwritten.stderr)
        self.assertIn("drawn.png", unwritten.stderr)
        self.assertTrue((self.folder / "drawn.csv").exists(), "what was written before stays")

    def test_is_printed_before_it_is_trained(self):
        completed = self.run_runner("--grid", self.grid, "--dry-run")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn("search (branch): first 0.2 to 0.6 (3 values), second 0.4 to 0.8 (3 values); 9 points with never; 2 seeds; all of them 44 epochs, of 90 without shared beginnings\n"
                      "  to be tested: 'found' beside 2 variants, with seeds 1, 2 each, once\n", completed.stdout)


if __name__ == "__main__":
    unittest.main()
