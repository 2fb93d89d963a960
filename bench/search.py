"""search.py PROGRAM [--seeds N] [--evaluations N] [--functions NAME ..]: how near the methods of a search come to the
least value of standard functions, beside those of Optuna and scikit-optimize. No times: what counts in a search is how
often it trains.

Printed is the median over the seeds, with quartiles, of what the best point tried lies above the least value (of a
function with noise without it: the point of the lowest value measured).
"""

import argparse
import concurrent.futures
import math
import os
import statistics
import subprocess
import sys
import warnings

os.environ["OMP_NUM_THREADS"] = "1"  # of each job, ours and theirs: the matrices are too small to share

import numpy
import optuna
import rows
import skopt

# Dixon and Szego 1978 and Surjanovic and Bingham's library: on [0, 1]^n, with their least value.


def branin(x):
    a, b = 15 * x[0] - 5, 15 * x[1]
    bowl = b - 5.1 / (4 * math.pi**2) * a * a + 5 / math.pi * a - 6
    return bowl * bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


def camel(x):
    a, b = 6 * x[0] - 3, 4 * x[1] - 2
    return (4 - 2.1 * a * a + a**4 / 3) * a * a + a * b + (4 * b * b - 4) * b * b


def hartmann(x, sizes, centres):
    scaled = numpy.asarray(sizes) * (numpy.asarray(x) - 1e-4 * numpy.asarray(centres)) ** 2
    return -float(numpy.array([1, 1.2, 3, 3.2]) @ numpy.exp(-scaled.sum(1)))


def hartmann3(x):
    return hartmann(x, [[3, 10, 30], [0.1, 10, 35]] * 2,
                    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381.5, 5743, 8828]])


def hartmann6(x):
    return hartmann(x, [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
                        [17, 8, 0.05, 10, 0.1, 14]],
                    [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                     [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]])


# Function, dimensions, least value, standard deviation of the noise that is added to what a method sees.
FUNCTIONS = {
    "Branin": (branin, 2, 0.397887, 0),
    "Branin, noise of 2": (branin, 2, 0.397887, 2),
    "six-hump camel": (camel, 2, -1.031628, 0),
    "Hartmann 3": (hartmann3, 3, -3.862782, 0),
    "Hartmann 3, noise of 0.1": (hartmann3, 3, -3.862782, 0.1),
    "Hartmann 6": (hartmann6, 6, -3.322368, 0),
}


def ours(method, batch):
    def minimise(measure, dimensions, evaluations, seed, program):
        command = [program, method, batch, seed, dimensions, evaluations]
        with subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
            points = []
            for line in run.stdout:
                if line.strip():
                    points.append([float(word) for word in line.split()])
                    continue
                run.stdin.write("".join(f"{-measure(point)!r}\n" for point in points))
                run.stdin.flush()
                points = []
        if run.returncode:
            sys.exit(f"{command}: ended with {run.returncode}")

    return minimise


def optunas(sampler):
    def minimise(measure, dimensions, evaluations, seed, program):
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = optuna.create_study(sampler=sampler(seed=seed))
            study.optimize(lambda trial: measure([trial.suggest_float(f"x{d}", 0, 1) for d in range(dimensions)]),
                           n_trials=evaluations)

    return minimise


def skopts(measure, dimensions, evaluations, seed, program):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        skopt.gp_minimize(lambda x: measure(x), [(0.0, 1.0)] * dimensions, n_calls=evaluations, random_state=seed)


METHODS = {
    "random": ours("random", 1),
    "model": ours("model", 1),
    "model, 4 at a time": ours("model", 4),
    "Optuna, TPE": optunas(optuna.samplers.TPESampler),
    "Optuna, Gaussian process": optunas(optuna.samplers.GPSampler),
    "scikit-optimize, Gaussian process": skopts,
}


def regret(method, function, evaluations, seed, program):
    value, dimensions, least, noise = FUNCTIONS[function]
    random = numpy.random.default_rng(seed)
    seen = []

    def measure(x):
        true = value(x)
        seen.append((true + noise * random.standard_normal(), true))
        return seen[-1][0]

    METHODS[method](measure, dimensions, evaluations, seed, program)
    assert len(seen) == evaluations, (method, len(seen))
    return min(seen)[1] - least


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--seeds", type=int, default=11)
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--functions", nargs="+", choices=FUNCTIONS, default=list(FUNCTIONS), metavar="NAME")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    print(f"regret after {options.evaluations} evaluations: median (quartiles) of {options.seeds} seeds\n")
    print("| | " + " | ".join(METHODS) + " |")
    print("| --- |" + " ---: |" * len(METHODS))
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for function in options.functions:
            runs = {method: [pool.submit(regret, method, function, options.evaluations, seed, options.program)
                             for seed in range(1, options.seeds + 1)] for method in METHODS}
            found = {method: statistics.quantiles([run.result() for run in of], method="inclusive")
                     for method, of in runs.items()}
            print(f"| {function} | " + " | ".join(f"{m:.3g} ({l:.2g} to {h:.2g})" for l, m, h in found.values()) + " |",
                  flush=True)
            best = min(found[method][1] for method in METHODS if method.startswith(("Optuna", "scikit")))
            rows.add(f"a search of {options.evaluations} evaluations on {function}: median regret, the best peer's beside it",
                     "≤ the best peer's", f"{found['model'][1]:.3g}; {best:.3g}", found["model"][1] <= best)


if __name__ == "__main__":
    main()
