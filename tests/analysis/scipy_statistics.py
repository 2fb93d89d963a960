"""References for statistics_test.cpp: a JSON object of inputs in the file named, the same keys with results printed."""
import itertools
import json
import sys

import numpy as np
from scipy import stats


def wilcoxon(samples, **options):
    """[W+, two-sided p] a sample; SciPy's own statistic is W+ only in a one-sided test."""
    return [[float(stats.wilcoxon(d, alternative="greater", **options).statistic),
             float(stats.wilcoxon(d, **options).pvalue)] for d in samples]


def holm(families):
    """Holm's method as closed testing: a hypothesis falls when Bonferroni rejects every set that it is in."""
    def adjusted(p, i):
        sets = [s for size in range(1, len(p) + 1) for s in itertools.combinations(range(len(p)), size) if i in s]
        return max(min(1.0, len(s) * min(p[j] for j in s)) for s in sets)

    return [[adjusted(p, i) for i in range(len(p))] for p in families]


def bootstrap(cases):
    """Percentile interval and standard error of the mean, from SciPy's own resamples."""
    results = [stats.bootstrap((case["differences"],), np.mean, n_resamples=case["resamples"], method="percentile",
                               confidence_level=case["confidence"], batch=1000, random_state=1) for case in cases]
    return [[*map(float, result.confidence_interval), float(result.standard_error)] for result in results]


def student(cases):
    """Student's interval of the mean."""
    return [list(map(float, stats.t.interval(case["confidence"], len(case["values"]) - 1, np.mean(case["values"]),
                                             stats.sem(case["values"])))) for case in cases]


references = {
    "wilcoxon": lambda samples: wilcoxon(samples, method="exact"),  # neither ties nor zeros
    # All 2^n signs, as long as there are not more than this.
    "wilcoxon_with_ties": lambda samples: wilcoxon(samples, method=stats.PermutationMethod(n_resamples=2**12)),
    "holm": holm,
    "bootstrap": bootstrap,
    "student": student,
    "quantiles": lambda cases: [np.quantile(case["values"], case["at"]).tolist() for case in cases],
}
with open(sys.argv[1], encoding="utf-8") as file:
    print(json.dumps({key: references[key](value) for key, value in json.load(file).items()}))
