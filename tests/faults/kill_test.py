"""The short form of `scripts/faults kill`."""

import unittest

import kills


class Kill(unittest.TestCase):
    def test_a_killed_study_ends_as_the_undisturbed_one(self):
        made = []
        kills.kill_many(6, seed=1, per_study=3, say=print, record=made.extend)
        self.assertEqual(len(made), 6)
        self.assertEqual({kill["ranks_per_trial"] for kill in made}, {1, 2})


if __name__ == "__main__":
    unittest.main()
