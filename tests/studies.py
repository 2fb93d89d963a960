"""Results databases with made-up numbers, as large as wanted, without training anything."""

import html
import json
import pathlib
import random
import re
import sqlite3

SCHEMA = pathlib.Path(__file__).resolve().parents[1] / "analysis/results/schema.sql"
HEADER = (SCHEMA.parent / "database.hpp").read_text()
VERSION, APPLICATION = (int(re.search(rf"{name} = (\w+);", HEADER)[1], 0) for name in ("kSchemaVersion", "kApplicationId"))


def write(file, variants, seeds=2, epochs=4, subjects=("ann", "bob", "eve"), structures=("A", "B"), claims=(), host="here",
          command="runner --grid x.yaml", grid="study: made-up\n", caption="made-up numbers, no images at all"):
    """Every trial finished; the first variant is the worst. `claims`: pairs of names, the better one first."""
    draw = random.Random(1)
    db = sqlite3.connect(file)
    db.executescript(SCHEMA.read_text())
    db.execute(f"pragma user_version = {VERSION}")
    db.execute(f"pragma application_id = {APPLICATION}")
    insert = lambda table, **row: db.execute(
        f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values())).lastrowid
    study = insert("study", name="made-up", caption=caption, grid_text=grid, grid_hash="g")
    for id, name in enumerate(["background", *structures]):
        insert("structure", study_id=study, id=id, name=name)
    run = insert("provenance", study_id=study, grid_hash="g", version="0.1.0", git_commit="0123abc", host=host, command=command,
                 ranks=2, ranks_per_trial=1, devices="cpu x 2", libraries=json.dumps({"torch": "2.11.0"}), data_hash="{}")
    for position, (better, than) in enumerate(claims):
        insert("claim", study_id=study, position=position, name=f"claim {position}", better=better, than=than, role="pretrained")
    for v, name in enumerate(variants):
        variant = insert("variant", study_id=study, position=v, name=name, model="U-Net (width 16)", loss="Fixed (w-CE)")
        for seed in range(1, seeds + 1):
            trial = insert("trial", study_id=study, variant_id=variant, provenance_id=run, hash=f"{v}/{seed}", seed=seed, fold=0,
                           in_grid=1, state="finished", attempts=1, parameters=1000, flops=1e9, config="{}")
            top = 0.5 + 0.4 * v / len(variants) + draw.uniform(-0.01, 0.01)
            stage = insert("stage", trial_id=trial, position=0, name="pretrain", plane="axial", hash=f"{v:08x}{seed:08x}" + 48 * "0", cohort="c",
                           labels="manual", epochs=epochs, switches="[0.4]", voxel_mm=1, best_epoch=epochs, best_dice=top)
            for e in range(1, epochs + 1):
                epoch = insert("epoch", stage_id=stage, epoch=e, step=10 * e, loss=1 / e, learning_rate=1e-3, gradient_norm=1,
                               dice_mean=top * (1 - 0.5 / e), dice_pooled=top, seconds_train=3, seconds_validate=1, seconds_data=0,
                               images=160)
                for term, weight in (("wce", int(e <= epochs / 2)), ("wdice", int(e > epochs / 2))):
                    insert("epoch_term", epoch_id=epoch, term=term, value=0.8 / e, weight=weight)
                for c in range(1, len(structures) + 1):
                    insert("dice", epoch_id=epoch, structure_id=c, dice=top, true_positive=9, false_positive=1, false_negative=1)
            for subject in subjects:
                for c in range(1, len(structures) + 1):
                    for metric in ("dice", "hd95_mm", "nsd", "volume_difference"):
                        insert("subject_score", stage_id=stage, part="test", subject=subject, structure_id=c, metric=metric,
                               value=min(1, top + draw.uniform(-0.1, 0.1)))
    db.commit()
    db.close()


def draw(file):
    """Pictures as the trials would leave them: of each stage's worst, median and best test subject, with its name in it."""
    db = sqlite3.connect(file)
    for (stage, hash) in db.execute("select id, hash from stage").fetchall():
        rows = db.execute("""select subject, avg(value) from subject_score where stage_id = ? and metric = 'dice' and part = 'test'
                             group by subject order by 2""", (stage,)).fetchall()
        for subject, _ in (rows[0], rows[(len(rows) - 1) // 2], rows[-1]):
            folder = pathlib.Path(file).with_suffix("") / "pictures" / hash[:16]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{subject}.svg").write_text(
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 40" width="90" height="40"><text y="20">{html.escape(subject)}</text></svg>')
    db.close()
