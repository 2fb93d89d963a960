-- Rows of two studies, as programs of versions 3 to 5 wrote them (from 6 on the
-- structures are each study's own). In the first, Dice of 'base' is 0.5 and 0.7 in subject
-- a, 0.8 and none in b with seed 1, and 0.6, 0.6, 1 and none with seed 2.
INSERT INTO structure (id, name) VALUES
  (0, 'None'), (1, 'Left-Cerebral-White-Matter'), (2, 'Left-Cerebral-Cortex'), (3, 'Right-Cerebral-White-Matter'),
  (4, 'Right-Cerebral-Cortex'), (5, 'Left-Lateral-Ventricle'), (6, 'Left-Cerebellum-White-Matter'),
  (7, 'Left-Cerebellum-Cortex'), (8, 'Left-Thalamus'), (9, 'Left-Caudate'), (10, 'Left-Putamen'),
  (11, 'Left-Pallidum'), (12, '3rd-Ventricle'), (13, '4th-Ventricle'), (14, 'Brain-Stem'), (15, 'Left-Hippocampus'),
  (16, 'Left-Amygdala'), (17, 'Left-VentralDC'), (18, 'Right-Lateral-Ventricle'),
  (19, 'Right-Cerebellum-White-Matter'), (20, 'Right-Cerebellum-Cortex'), (21, 'Right-Thalamus'),
  (22, 'Right-Caudate'), (23, 'Right-Putamen'), (24, 'Right-Pallidum'), (25, 'Right-Hippocampus'),
  (26, 'Right-Amygdala'), (27, 'Right-VentralDC');
INSERT INTO study (id, name, caption, grid_text, grid_hash) VALUES
  (1, 'first', 'older rows', 'study: first', 'g1'), (2, 'second', '', 'study: second', 'g2');
INSERT INTO provenance (id, study_id, grid_hash, version, git_commit, host, command, ranks, ranks_per_trial, devices,
                        libraries, data_hash)
VALUES (1, 2, 'g2', '0.1.0', 'abc', 'here', 'runner', 1, 1, 'cpu', '{}', '{}'),
       (2, 1, 'g1', '0.1.0', 'abc', 'here', 'runner', 1, 1, 'cpu', '{}', '{}');
INSERT INTO variant (id, study_id, position, name, model, loss) VALUES
  (1, 1, 0, 'base', 'U-Net', 'w-CE'), (2, 1, 1, 'tuned', 'U-Net', 'w-Dice'), (3, 2, 0, 'base', 'U-Net', 'w-CE');
INSERT INTO claim (study_id, position, name, better, than, role) VALUES (1, 0, 'more', 'tuned', 'base', 'pretrained');
INSERT INTO trial (id, study_id, variant_id, provenance_id, hash, seed, fold, in_grid, state, attempts, parameters,
                   flops, config)
VALUES (1, 1, 1, 2, 'h1', 1, 0, 1, 'finished', 1, 1000, 2e9, '{}'),
       (2, 1, 1, 2, 'h2', 2, 0, 1, 'finished', 1, 1000, 2e9, '{}'),
       (3, 1, 2, 2, 'h3', 1, 0, 1, 'finished', 1, 1000, 2e9, '{}'),
       (4, 2, 3, 1, 'h4', 1, 0, 1, 'running', 1, 1000, NULL, '{}');
INSERT INTO stage (id, trial_id, position, name, plane, hash, cohort, labels, epochs, switches, voxel_mm, best_epoch,
                   best_dice)
VALUES (1, 1, 0, 'pretrain', 'axial', 's1', 'c', 'manual', 2, '[0.5]', 2.0, 2, 0.6),
       (2, 2, 0, 'pretrain', 'axial', 's2', 'c', 'manual', 2, '[0.5]', 2.0, 1, 0.7),
       (3, 3, 0, 'pretrain', 'axial', 's3', 'c', 'manual', 2, '[]', NULL, 2, 0.05),
       (4, 3, 1, 'finetune', 'axial', 's4', 'c', 'manual', 1, '[]', NULL, 1, 0.9),
       (5, 4, 0, 'pretrain', 'axial', 's5', 'c', 'manual', 2, '[]', NULL, NULL, NULL);
INSERT INTO epoch (id, stage_id, epoch, step, loss, learning_rate, gradient_norm, dice_mean, dice_pooled, seconds_train,
                   seconds_validate, seconds_data, images)
VALUES (1, 1, 1, 10, 1.5, 0.001, 2.5, 0.4, 0.45, 3, 1, 0.5, 160),
       (2, 1, 2, 20, 1.25, 0.001, 2.0, 0.6, 0.65, 3, 1, 0.5, 160),
       (3, 5, 1, 10, NULL, 0.001, NULL, 0.1, 0.1, 3, 1, 0.5, 160);
INSERT INTO epoch_term (epoch_id, term, value, weight) VALUES (1, 'wce', 1.5, 1), (2, 'wce', 1.25, 1);
INSERT INTO dice (epoch_id, structure_id, dice, true_positive, false_positive, false_negative) VALUES
  (1, 1, 0.5, 1, 1, 1), (1, 27, NULL, 0, 0, 0), (2, 1, 0.8, 2, 1, 0), (3, 11, 0.0, 0, 0, 4);
INSERT INTO subject_score (stage_id, part, subject, structure_id, metric, value, true_positive, false_positive,
                           false_negative)
VALUES (1, 'test', 'a', 1, 'dice', 0.5, 1, 1, 1), (1, 'test', 'a', 27, 'dice', 0.7, 7, 3, 3),
       (1, 'test', 'b', 1, 'dice', 0.8, 2, 1, 0), (1, 'test', 'b', 27, 'dice', NULL, 0, 0, 0),
       (2, 'test', 'a', 1, 'dice', 0.6, 6, 4, 4), (2, 'test', 'a', 27, 'dice', 0.6, 6, 4, 4),
       (2, 'test', 'b', 1, 'dice', 1.0, 2, 0, 0), (2, 'test', 'b', 27, 'dice', NULL, 0, 0, 0),
       (3, 'test', 'a', 1, 'dice', 0.05, NULL, NULL, NULL), (4, 'test', 'a', 1, 'dice', 0.9, 9, 1, 1),
       (1, 'validation', 'v', 1, 'dice', 0.6, 6, 4, 4), (1, 'test', 'a', 1, 'hd95_mm', 2.5, NULL, NULL, NULL);
