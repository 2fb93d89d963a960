"""Table 1 recomputed from the raw counts of a results database, without its views. Prints JSON: variant -> numbers."""
import json
import sqlite3
import sys
from collections import defaultdict

import numpy as np

db = sqlite3.connect(sys.argv[1])


def dice(tp, fp, fn):
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None


def sd(values):
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def cell(trials, stage_of, part):
    """Mean over structures, then seeds, then mean and spread over subjects, in plain loops."""
    by_subject, by_seed, by_structure, left_out = defaultdict(list), defaultdict(list), defaultdict(list), 0
    for trial, seed in trials:
        if trial not in stage_of:
            continue
        rows = db.execute("SELECT subject, structure_id, true_positive, false_positive, false_negative"
                          " FROM subject_score WHERE stage_id = ? AND part = ?", (stage_of[trial], part)).fetchall()
        for subject in {row[0] for row in rows}:
            values = [(row[1], dice(*row[2:])) for row in rows if row[0] == subject]
            left_out += sum(v is None for _, v in values)
            numbers = [v for _, v in values if v is not None]
            for structure, v in values:
                if v is not None:
                    by_structure[structure].append(v)
            by_subject[subject].append(np.mean(numbers))
            by_seed[seed].append(np.mean(numbers))
    if not by_subject:
        return None
    subjects = [np.mean(v) for v in by_subject.values()]
    return {"dice": float(np.mean(subjects)), "sd": sd(subjects), "subjects": len(subjects), "left_out": left_out,
            "seed_sd": sd([np.mean(v) for v in by_seed.values()]),
            "structure_sd": sd([np.mean(v) for v in by_structure.values()])}


def converged(stage):
    best, stopped = db.execute("SELECT best_dice, stopped FROM stage WHERE id = ?", (stage,)).fetchone()
    return stopped == "" and best >= 0.1


out = {}
for variant, name in db.execute("SELECT id, name FROM variant").fetchall():
    planned = db.execute("SELECT id, seed, state FROM trial WHERE variant_id = ? AND in_grid", (variant,)).fetchall()
    if not planned:
        continue
    trials = [(t, seed) for t, seed, state in planned if state == "finished"]
    stages = {role: {t: s for s, t, n in db.execute("SELECT id, trial_id, name FROM stage")
                     if (n == "finetune") == (role == "finetuned")} for role in ("pretrained", "finetuned")}
    row = {"trials": len(trials), "planned": len(planned), "seeds": len({s for _, s in trials}),
           "failed": sum(state == "failed" for *_, state in planned),
           "converged": sum(all(converged(s) for s, in db.execute("SELECT id FROM stage WHERE trial_id = ?", (t,)))
                            for t, _ in trials)}
    for role in ("pretrained", "finetuned"):
        test = cell(trials, stages[role], "test") or {}
        validation = cell(trials, stages[role], "validation") or {}
        for key in ("dice", "sd", "seed_sd", "structure_sd", "left_out"):
            row[f"{role}_{key}"] = test.get(key)
        for key in ("dice", "sd"):
            row[f"{role}_validation_{key}"] = validation.get(key)
        ours = [t for t, _ in trials if t in stages[role]]
        row[f"{role}_converged"] = sum(converged(stages[role][t]) for t in ours) if ours else None
        if role == "pretrained":
            row["subjects"] = test.get("subjects", 0)
    out[name] = row
print(json.dumps(out))
