-- Schema of the results database, of version kSchemaVersion. docs/results-database.md explains it; change both together.

CREATE TABLE study (                  -- a grid file, as last run
  id        INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE,
  caption   TEXT NOT NULL,
  grid_text TEXT NOT NULL,
  grid_hash TEXT NOT NULL
) STRICT;

CREATE TABLE structure (              -- a class of the study's cohorts
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  id       INTEGER NOT NULL,          -- class id, from 0: what belongs to no other class
  name     TEXT NOT NULL,
  PRIMARY KEY (study_id, id),
  UNIQUE (study_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE provenance (             -- one row a run of the program
  id              INTEGER PRIMARY KEY,
  study_id        INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  started         TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  grid_hash       TEXT NOT NULL,
  version         TEXT NOT NULL,
  git_commit      TEXT NOT NULL,
  host            TEXT NOT NULL,
  command         TEXT NOT NULL,
  ranks           INTEGER NOT NULL,
  ranks_per_trial INTEGER NOT NULL,
  devices         TEXT NOT NULL,
  libraries       TEXT NOT NULL CHECK (json_valid(libraries)),
  data_hash       TEXT NOT NULL CHECK (json_valid(data_hash))
) STRICT;

CREATE TABLE variant (                -- a row of Table 1
  id       INTEGER PRIMARY KEY,
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  position INTEGER NOT NULL,          -- in the grid, from 0; scored ones behind it
  name     TEXT NOT NULL,
  model    TEXT NOT NULL,
  loss     TEXT NOT NULL,
  source   TEXT NOT NULL DEFAULT 'grid' CHECK (source IN ('grid', 'score')),  -- score: label volumes of another tool
  UNIQUE (study_id, name)
) STRICT;

CREATE TABLE claim (                  -- "better has a higher Dice than `than`": tested together, over test subjects
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  position INTEGER NOT NULL,          -- in the grid, from 0
  name     TEXT NOT NULL,             -- the claim in words
  better   TEXT NOT NULL,             -- name of a variant
  than     TEXT NOT NULL,             -- name of another
  role     TEXT NOT NULL CHECK (role IN ('pretrained', 'finetuned')),  -- column of Table 1 that is compared
  most_in  TEXT NOT NULL DEFAULT '',  -- structures, by spaces, in which the difference is larger than in the others; or ''
  PRIMARY KEY (study_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE trial (                  -- a variant with one seed and one fold
  id            INTEGER PRIMARY KEY,
  study_id      INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  variant_id    INTEGER NOT NULL REFERENCES variant,
  provenance_id INTEGER REFERENCES provenance,  -- the run that last worked on it
  hash          TEXT NOT NULL,
  seed          INTEGER NOT NULL,
  fold          INTEGER NOT NULL,
  in_grid       INTEGER NOT NULL CHECK (in_grid IN (0, 1)),  -- 0: the grid no longer has it, or a search's candidate
  state         TEXT NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'running', 'interrupted', 'finished', 'failed')),
  attempts      INTEGER NOT NULL DEFAULT 0,
  error         TEXT NOT NULL DEFAULT '',
  parameters    INTEGER NOT NULL,     -- 0: no net of ours
  flops         REAL,                 -- of its forward pass on one slice, convolutions alone; NULL: no net of ours
  config        TEXT NOT NULL CHECK (json_valid(config)),
  UNIQUE (study_id, hash)
) STRICT;
CREATE INDEX trial_variant ON trial (variant_id);

CREATE TABLE stage (
  id         INTEGER PRIMARY KEY,
  trial_id   INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE,
  position   INTEGER NOT NULL,        -- in the trial, from 0
  name       TEXT NOT NULL,
  plane      TEXT NOT NULL,           -- of its slices: axial, coronal, sagittal; all: the vote of the nets of each plane
  hash       TEXT NOT NULL,           -- of configuration and data up to this stage: equal ones give the same net
  cohort     TEXT NOT NULL,
  labels     TEXT NOT NULL,           -- trained and validated on: manual, automatic
  epochs     INTEGER NOT NULL,        -- planned
  switches   TEXT NOT NULL CHECK (json_valid(switches)),  -- array of progress, 0 to 1
  voxel_mm   REAL,                    -- of the grid that Dice is counted on; NULL: not known
  best_epoch INTEGER,                 -- NULL: no result yet; 0: no checkpoint
  best_dice  REAL,                    -- per-subject mean on validation
  stopped    TEXT NOT NULL DEFAULT '',  -- why it stopped early: a loss or gradient that is not finite
  converged  INTEGER GENERATED ALWAYS AS
             (CASE WHEN best_epoch IS NULL THEN NULL
                   ELSE stopped = '' AND coalesce(best_dice, 0.0) >= 0.10 END) VIRTUAL,
  seconds_score REAL,                 -- predicting and scoring at the best checkpoint, by wall clock; NULL: not known
  UNIQUE (trial_id, position),
  UNIQUE (trial_id, name, plane)
) STRICT;

CREATE TABLE epoch (                  -- one epoch of training and the validation after it; NULL: not finite
  id               INTEGER PRIMARY KEY,
  stage_id         INTEGER NOT NULL REFERENCES stage ON DELETE CASCADE,
  epoch            INTEGER NOT NULL,  -- in the stage, from 1
  step             INTEGER NOT NULL,  -- steps of the stage done
  recorded         TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  loss             REAL,
  learning_rate    REAL,
  gradient_norm    REAL,              -- mean over the steps, before clipping
  dice_mean        REAL,              -- mean over subjects of the mean over structures
  dice_pooled      REAL,              -- mean over structures, counts summed over subjects first
  seconds_train    REAL NOT NULL,
  seconds_validate REAL NOT NULL,
  seconds_data     REAL NOT NULL,     -- waiting for batches, a part of seconds_train
  images           INTEGER NOT NULL,
  seconds_checkpoint    REAL,         -- writing the checkpoints that stood before it; NULL: none, or not known
  seconds_communication REAL,         -- waiting for other ranks, a part of seconds_train; NULL: not known. Of these:
  seconds_buckets       REAL,         -- for gradients that the backward pass did not hide
  seconds_loss_sums     REAL,         -- all-reduces of the loss
  seconds_norm_sums     REAL,         -- all-reduces of batch normalisation
  seconds_shared        REAL,         -- of train and validate: spent by another trial, whose epoch has them, too; NULL: not known
  UNIQUE (stage_id, epoch)
) STRICT;

CREATE TABLE epoch_term (
  epoch_id INTEGER NOT NULL REFERENCES epoch ON DELETE CASCADE,
  term     TEXT NOT NULL,
  value    REAL,                      -- mean over the epoch's steps, unweighted; NULL: not finite
  weight   REAL,                      -- at the epoch's last step
  PRIMARY KEY (epoch_id, term)
) STRICT, WITHOUT ROWID;

CREATE TABLE dice (                   -- validation, counts summed over subjects; classes from 1
  epoch_id       INTEGER NOT NULL REFERENCES epoch ON DELETE CASCADE,
  structure_id   INTEGER NOT NULL,    -- structure.id of the study
  dice           REAL,                -- NULL: neither in truth nor in prediction
  true_positive  INTEGER NOT NULL,
  false_positive INTEGER NOT NULL,
  false_negative INTEGER NOT NULL,
  PRIMARY KEY (epoch_id, structure_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE subject_score (          -- at the best checkpoint; classes from 1
  stage_id       INTEGER NOT NULL REFERENCES stage ON DELETE CASCADE,
  part           TEXT NOT NULL CHECK (part IN ('validation', 'test')),
  subject        TEXT NOT NULL,
  structure_id   INTEGER NOT NULL,    -- structure.id of the study
  metric         TEXT NOT NULL,       -- 'dice'; of the test part also 'hd95_mm', 'nsd', 'volume_difference'
  value          REAL,                -- NULL: left out (neither in truth nor in prediction)
  true_positive  INTEGER,
  false_positive INTEGER,
  false_negative INTEGER,
  PRIMARY KEY (stage_id, part, subject, structure_id, metric)
) STRICT, WITHOUT ROWID;

CREATE TABLE person (                 -- whose scan a subject is, where a source tells the two apart: tables count persons
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  subject  TEXT NOT NULL,             -- as in subject_score: a scan
  person   TEXT NOT NULL,
  PRIMARY KEY (study_id, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE subject (                -- who is in the study's cohorts or named in its grid: what a page to share leaves out
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  name     TEXT NOT NULL,
  PRIMARY KEY (study_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE subject_time (           -- of the test part
  stage_id INTEGER NOT NULL REFERENCES stage ON DELETE CASCADE,
  subject  TEXT NOT NULL,
  seconds  REAL NOT NULL,             -- from the scan to its labels, as measured; of atlases with their registrations
  PRIMARY KEY (stage_id, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE search (                 -- how the study looks for a schedule
  study_id            INTEGER PRIMARY KEY REFERENCES study ON DELETE CASCADE,
  method              TEXT NOT NULL,  -- grid, random, model, branch
  objective           TEXT NOT NULL CHECK (objective IN ('end', 'best')),  -- which validation Dice ranks candidates
  seeds               TEXT NOT NULL CHECK (json_valid(seeds)),    -- array: of the search alone
  space               TEXT NOT NULL CHECK (json_valid(space)),    -- array of objects: name, from, to, log, moment, values
  options             TEXT NOT NULL CHECK (json_valid(options)),  -- object: `search` of the grid, all defaults filled in
  validation_subjects INTEGER NOT NULL,
  labels              TEXT NOT NULL   -- that validation sees in the last stage: manual, automatic
) STRICT;

CREATE TABLE candidate (              -- a point that the search has tried
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  position INTEGER NOT NULL,          -- in the order tried, from 0
  round    INTEGER NOT NULL,          -- those of one round were chosen together, from 0
  point    TEXT NOT NULL CHECK (json_valid(point)),  -- object: value by name
  settings TEXT NOT NULL,             -- of a variant, YAML
  epochs   REAL NOT NULL,             -- that it adds to those trained for the ones before it, all seeds together
  variant  TEXT,                      -- name of the row of Table 1 that it has as a finalist; NULL: it is none
  PRIMARY KEY (study_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE candidate_trial (        -- its trials: one a seed of the search, not in_grid
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  position INTEGER NOT NULL,
  hash     TEXT NOT NULL,             -- of the trial
  PRIMARY KEY (study_id, position, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE activity (               -- what each group of ranks is at, as the writer says every few seconds; none: nobody is
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  worker   INTEGER NOT NULL,          -- rank of the group's leader; 0 for all of them while cohorts or outputs are made
  seen     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  doing    TEXT NOT NULL,             -- 'training', 'waiting', 'preparing cohorts', 'making tables and figures'
  trial_id INTEGER REFERENCES trial ON DELETE CASCADE,  -- NULL: none
  stage    INTEGER NOT NULL,          -- stage.position
  epoch    INTEGER NOT NULL,          -- from 1, of `epochs`; 0 epochs: registrations
  epochs   INTEGER NOT NULL,
  step     INTEGER NOT NULL,          -- of the stage, of `steps`
  steps    INTEGER NOT NULL,
  loss     REAL,                      -- of the last step
  images_per_second REAL,
  PRIMARY KEY (study_id, worker)
) STRICT, WITHOUT ROWID;

-- Views. The first columns of table1, figure1 and figure2 are a contract with notebooks: new ones go to their right.

-- Stages that a trial's scores are taken from: of the vote, where nets of several planes vote.
CREATE VIEW scored_stage AS
SELECT s.* FROM stage AS s
WHERE s.plane = CASE WHEN EXISTS (SELECT * FROM stage AS o WHERE o.trial_id = s.trial_id AND o.plane = 'all')
                     THEN 'all' ELSE 'axial' END;

-- Of finished trials that the grid has, with the columns of Table 1 that each fills: 'finetune' the fine-tuned ones, the
-- last other stage the pre-trained ones.
CREATE VIEW counted_stage AS
SELECT s.id AS stage_id, t.variant_id, t.id AS trial_id, t.seed, t.fold, s.converged,
       CASE s.name WHEN 'finetune' THEN 'finetuned' ELSE 'pretrained' END AS role, t.study_id
FROM scored_stage AS s JOIN trial AS t ON t.id = s.trial_id
WHERE t.in_grid = 1 AND t.state = 'finished'
  AND (s.name = 'finetune' OR
       s.position = (SELECT max(o.position) FROM scored_stage AS o WHERE o.trial_id = t.id AND o.name <> 'finetune'));

-- Their scores as they were made: by scan.
CREATE VIEW scan_score AS
SELECT c.*, score.part, score.subject, score.structure_id, score.metric, score.value
FROM counted_stage AS c JOIN subject_score AS score ON score.stage_id = c.stage_id;

-- Their scores by person: of one who has several scans the mean over those in which the structure has a number.
CREATE VIEW structure_score AS
SELECT score.* FROM scan_score AS score
WHERE NOT EXISTS (SELECT 1 FROM person AS p WHERE p.study_id = score.study_id AND p.subject = score.subject)
UNION ALL
SELECT c.*, score.part, p.person, score.structure_id, score.metric, avg(score.value)
FROM counted_stage AS c JOIN person AS p ON p.study_id = c.study_id
JOIN subject_score AS score ON score.stage_id = c.stage_id AND score.subject = p.subject
WHERE EXISTS (SELECT 1 FROM person AS o WHERE o.study_id = c.study_id)  -- spares a pass over all scores where none is
GROUP BY c.stage_id, score.part, p.person, score.structure_id, score.metric;

-- A trial's Dice of each person: the mean over those structures that have a number.
CREATE VIEW subject_dice AS
SELECT variant_id, role, trial_id, seed, fold, part, subject, avg(value) AS dice, sum(value IS NULL) AS left_out
FROM structure_score WHERE metric = 'dice'
GROUP BY stage_id, part, subject;

-- A cell of Table 1: per subject first (over structures, then over seeds), then mean and sample standard deviation.
CREATE VIEW table1_cell AS
WITH
  tested AS MATERIALIZED (SELECT * FROM subject_dice),
  by_subject AS (
    SELECT variant_id, role, part, subject, avg(dice) AS dice, sum(left_out) AS left_out
    FROM tested GROUP BY variant_id, role, part, subject),
  by_seed AS (
    SELECT variant_id, role, part, fold, seed, avg(dice) AS dice
    FROM tested GROUP BY variant_id, role, part, fold, seed),
  by_structure AS (
    SELECT variant_id, role, part, structure_id, avg(value) AS dice FROM structure_score
    WHERE metric = 'dice'
    GROUP BY variant_id * 256 + structure_id, role, part),  -- one number of both: sorting is what this view takes
  -- Deviations first, squares after: a difference of sums of squares could come out below 0.
  subjects AS (
    SELECT variant_id, role, part, avg(dice) AS dice, sum(left_out) AS left_out,
           sqrt(sum(d * d) / nullif(count(dice) - 1, 0)) AS sd
    FROM (SELECT *, dice - avg(dice) OVER (PARTITION BY variant_id, role, part) AS d FROM by_subject)
    GROUP BY variant_id, role, part),
  seeds AS (  -- within folds: seeds of different folds are tested on different subjects
    SELECT variant_id, role, part, sqrt(sum(d * d) / nullif(count(dice) - count(DISTINCT fold), 0)) AS sd
    FROM (SELECT *, dice - avg(dice) OVER (PARTITION BY variant_id, role, part, fold) AS d FROM by_seed)
    GROUP BY variant_id, role, part),
  structures AS (
    SELECT variant_id, role, part, sqrt(sum(d * d) / nullif(count(dice) - 1, 0)) AS sd
    FROM (SELECT *, dice - avg(dice) OVER (PARTITION BY variant_id, role, part) AS d FROM by_structure)
    GROUP BY variant_id, role, part)
SELECT variant_id, role, part, subjects.dice, subjects.sd, seeds.sd AS seed_sd, structures.sd AS structure_sd, left_out
FROM subjects JOIN seeds USING (variant_id, role, part) JOIN structures USING (variant_id, role, part);

-- Stages whose patience ran out: nothing stopped them, and yet they have fewer epochs than planned.
CREATE VIEW early_stage AS
SELECT s.* FROM stage AS s
WHERE s.best_epoch > 0 AND s.stopped = '' AND (SELECT max(e.epoch) FROM epoch AS e WHERE e.stage_id = s.id) < s.epochs;

CREATE VIEW table1 AS
WITH
  trials AS (  -- converged: in every stage
    SELECT t.variant_id, count(*) AS planned, sum(t.state = 'finished') AS trials, sum(t.state = 'failed') AS failed,
           count(DISTINCT CASE WHEN t.state = 'finished' THEN t.seed END) AS seeds, max(t.parameters) AS parameters,
           max(t.flops) AS flops,
           sum(t.state = 'finished' AND
               coalesce((SELECT min(coalesce(s.converged, 0)) FROM stage AS s WHERE s.trial_id = t.id), 0)) AS converged,
           sum(t.state = 'finished' AND EXISTS (SELECT * FROM early_stage AS s WHERE s.trial_id = t.id)) AS ended_early
    FROM trial AS t WHERE t.in_grid = 1 GROUP BY t.variant_id),
  stages AS (
    SELECT variant_id, sum(CASE WHEN role = 'pretrained' THEN converged END) AS pretrained_converged,
           sum(CASE WHEN role = 'finetuned' THEN converged END) AS finetuned_converged
    FROM counted_stage GROUP BY variant_id),
  tested AS (
    SELECT variant_id, count(DISTINCT subject) AS subjects FROM subject_dice
    WHERE part = 'test' AND dice IS NOT NULL GROUP BY variant_id),
  cell AS MATERIALIZED (SELECT * FROM table1_cell)
SELECT v.name AS variant, v.model, v.loss,
       pre.dice AS pretrained_dice, pre.sd AS pretrained_sd, fine.dice AS finetuned_dice, fine.sd AS finetuned_sd,
       t.seeds, coalesce(tested.subjects, 0) AS subjects, t.converged, t.trials,
       -- contract ends here
       t.planned, t.failed, t.parameters,
       stages.pretrained_converged, pre_v.dice AS pretrained_validation_dice, pre_v.sd AS pretrained_validation_sd,
       pre.seed_sd AS pretrained_seed_sd, pre.structure_sd AS pretrained_structure_sd,
       pre.left_out AS pretrained_left_out,
       stages.finetuned_converged, fine_v.dice AS finetuned_validation_dice, fine_v.sd AS finetuned_validation_sd,
       fine.seed_sd AS finetuned_seed_sd, fine.structure_sd AS finetuned_structure_sd,
       fine.left_out AS finetuned_left_out,
       study.name AS study, t.flops, t.ended_early
FROM variant AS v
JOIN study ON study.id = v.study_id
JOIN trials AS t ON t.variant_id = v.id
LEFT JOIN stages ON stages.variant_id = v.id
LEFT JOIN tested ON tested.variant_id = v.id
LEFT JOIN cell AS pre ON pre.variant_id = v.id AND pre.role = 'pretrained' AND pre.part = 'test'
LEFT JOIN cell AS pre_v ON pre_v.variant_id = v.id AND pre_v.role = 'pretrained' AND pre_v.part = 'validation'
LEFT JOIN cell AS fine ON fine.variant_id = v.id AND fine.role = 'finetuned' AND fine.part = 'test'
LEFT JOIN cell AS fine_v ON fine_v.variant_id = v.id AND fine_v.role = 'finetuned' AND fine_v.part = 'validation'
ORDER BY v.study_id, v.source = 'score', v.position;

CREATE VIEW figure1 AS                -- unfinished trials, too: see their state
SELECT v.name AS variant, t.seed, t.fold, s.name AS stage, e.epoch, e.dice_mean AS dice, e.loss,
       e.seconds_train + e.seconds_validate AS seconds,
       -- contract ends here
       e.epoch + coalesce((SELECT sum(o.epochs) FROM stage AS o
                                WHERE o.trial_id = t.id AND o.plane = s.plane AND o.position < s.position), 0)
         AS trial_epoch,              -- over all stages of this plane
       e.dice_pooled, e.learning_rate, e.images, t.state, t.id AS trial, study.name AS study,
       s.plane, e.seconds_checkpoint, e.seconds_communication, e.seconds_buckets, e.seconds_loss_sums,
       e.seconds_norm_sums, e.seconds_train, e.seconds_data, e.seconds_validate, e.seconds_shared
FROM epoch AS e
JOIN stage AS s ON s.id = e.stage_id
JOIN trial AS t ON t.id = s.trial_id
JOIN variant AS v ON v.id = t.variant_id
JOIN study ON study.id = t.study_id
WHERE t.in_grid = 1
ORDER BY t.study_id, v.source = 'score', v.position, t.fold, t.seed, s.position, e.epoch;

CREATE VIEW figure2 AS                -- finished trials; dice NULL where left out
SELECT v.name AS variant, s.name AS stage, t.seed, t.fold, score.subject, structure.name AS structure,
       score.value AS dice,
       -- contract ends here
       score.true_positive, score.false_positive, score.false_negative, t.id AS trial, study.name AS study
FROM subject_score AS score
JOIN scored_stage AS s ON s.id = score.stage_id
JOIN trial AS t ON t.id = s.trial_id
JOIN variant AS v ON v.id = t.variant_id
JOIN study ON study.id = t.study_id
JOIN structure ON structure.study_id = t.study_id AND structure.id = score.structure_id
WHERE score.metric = 'dice' AND score.part = 'test' AND t.in_grid = 1 AND t.state = 'finished'
ORDER BY t.study_id, v.source = 'score', v.position, s.position, t.fold, t.seed, score.subject, structure.id;

-- Finished trials of candidates, with the Dice that the search may go by. A stage that stopped scores as a net that
-- finds nothing. Of several planes the mean of their nets at the end, and the vote of the best ones.
CREATE VIEW candidate_score AS
SELECT c.study_id, c.position, t.seed,
       (SELECT avg(CASE WHEN s.stopped <> '' THEN 0.0
                        ELSE coalesce((SELECT e.dice_mean FROM epoch AS e WHERE e.stage_id = s.id
                                       ORDER BY e.epoch DESC LIMIT 1), 0.0) END)
        FROM stage AS s
        WHERE s.trial_id = t.id AND s.plane <> 'all' AND
              s.name = (SELECT o.name FROM stage AS o WHERE o.trial_id = t.id ORDER BY o.position DESC LIMIT 1))
         AS end_dice,
       (SELECT CASE WHEN s.stopped <> '' THEN 0.0 ELSE coalesce(s.best_dice, 0.0) END
        FROM scored_stage AS s WHERE s.trial_id = t.id ORDER BY s.position DESC LIMIT 1) AS best_dice,
       (SELECT sum(e.seconds_train + e.seconds_validate - coalesce(e.seconds_shared, 0.0))
        FROM epoch AS e JOIN stage AS s ON s.id = e.stage_id WHERE s.trial_id = t.id) AS seconds,
       t.id AS trial
FROM candidate_trial AS c JOIN trial AS t ON t.study_id = c.study_id AND t.hash = c.hash
WHERE t.state = 'finished'
ORDER BY c.study_id, c.position, t.seed;

-- Candidates with the mean of what ranks them over the search's seeds, once all of these are finished.
CREATE VIEW search_candidate AS
WITH
  ranked AS (
    SELECT s.study_id, s.position, s.seconds, CASE q.objective WHEN 'end' THEN s.end_dice ELSE s.best_dice END AS dice
    FROM candidate_score AS s JOIN search AS q ON q.study_id = s.study_id),
  scores AS (
    SELECT study_id, position, avg(dice) AS dice, count(*) AS seeds, sum(seconds) AS seconds,
           sqrt(sum(d * d) / nullif(count(*) - 1, 0)) AS sd
    FROM (SELECT *, dice - avg(dice) OVER (PARTITION BY study_id, position) AS d FROM ranked)
    GROUP BY study_id, position)
SELECT study.name AS study, c.position, c.round, c.point, c.epochs,
       sum(c.epochs) OVER (PARTITION BY c.study_id ORDER BY c.position) AS epochs_so_far,
       s.dice, s.sd, s.seeds, s.seconds, c.variant, c.settings
FROM candidate AS c JOIN study ON study.id = c.study_id
LEFT JOIN scores AS s
  ON s.study_id = c.study_id AND s.position = c.position AND
     s.seeds = (SELECT count(*) FROM candidate_trial AS t WHERE t.study_id = c.study_id AND t.position = c.position)
ORDER BY c.study_id, c.position;
