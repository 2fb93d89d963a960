// Every kind of mistake in a grid, with the exact place and words of its refusal.
#include <gmock/gmock.h>

#include "tests/runner/grid/grid_file.hpp"

namespace crossfade::runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// kValidGrid with one change.
std::string said(const std::string& from, const std::string& to) {
  return refusal(changed(kValidGrid, from, to));
}

TEST(GridErrors, TheGridThatTheseTestsChangeIsValid) {
  EXPECT_EQ(refusal(kValidGrid), "accepted");
}

TEST(GridErrors, AGridNeedsNoDefaults) {
  const std::string grid =
      "study: small\ncohorts: {phantom: {subjects: 4, size: 64, split: {train: 2, validation: 1, test: 1}}}\n"
      "variants: {A: {loss: {wce: 1}, stages: {pretrain: {cohort: phantom}}}}\n";
  EXPECT_EQ(refusal(grid), "accepted");
  EXPECT_EQ(study_of(grid, {"optimizer.lr=1e-2"}).trials.size(), 1U) << "which makes the defaults";
}

TEST(GridErrors, UnknownKeyNamesTheNearest) {
  EXPECT_EQ(said("epochs: 2", "epoch: 2"),
            "grid.yaml:9:33: unknown key 'epoch' in defaults.stages.pretrain, expected one of cohort, test, labels, "
            "train_subjects, first_scan, scans, epochs, patience, batch, crop, augmentation, optimizer, loss (did you "
            "mean 'epochs'?)");
  EXPECT_EQ(
      said("defaults:", "default:"),
      "grid.yaml:4:1: unknown key 'default' in the grid, expected one of study, caption, cohorts, defaults, variants, "
      "sweep, search, claims, run (did you mean 'defaults'?)");
  EXPECT_EQ(said("model: {width: 4}", "modle: {width: 4}"),
            "grid.yaml:6:3: unknown key 'modle' in defaults, expected one of seeds, folds, seeds_of_folds, method, "
            "atlas, precision, model, optimizer, loss, loss_options, views, stages (did you mean 'model'?)");
  EXPECT_EQ(said("train: 2", "trian: 2"),
            "grid.yaml:3:44: unknown key 'trian' in cohorts.phantom.split, expected one of train, validation, test, "
            "folds, from, "
            "test_subjects (did you mean 'train'?)");
}

TEST(GridErrors, WrongType) {
  EXPECT_EQ(said("lr: 1e-2", "lr: fast"),
            "grid.yaml:7:19: expected a number from 1e-12 to 100 for defaults.optimizer.lr, not 'fast'");
  EXPECT_EQ(said("lr: 1e-2", "lr: 1e-2abc"),
            "grid.yaml:7:19: expected a number from 1e-12 to 100 for defaults.optimizer.lr, not '1e-2abc'");
  EXPECT_EQ(said("lr: 1e-2", "lr: .nan"),
            "grid.yaml:7:19: expected a number from 1e-12 to 100 for defaults.optimizer.lr, not '.nan'");
  EXPECT_EQ(said("lr: 1e-2", "lr: '1e-2'"),
            "grid.yaml:7:19: expected a number from 1e-12 to 100 for defaults.optimizer.lr, not the text \"1e-2\"");
  EXPECT_EQ(said("width: 4", "width: 4.5"),
            "grid.yaml:6:18: expected an integer from 1 to 1024 for defaults.model.width, not '4.5'");
  EXPECT_EQ(said("model: {width: 4}", "model: 4"), "grid.yaml:6:10: expected a map for defaults.model, not '4'");
  EXPECT_EQ(said("model: {width: 4}", "model:"), "grid.yaml:6:3: expected a map for defaults.model, not nothing");
  EXPECT_EQ(said("loss: {wce: 1}", "loss: {wce: 1}, loss_options: {batch: yes}"),
            "grid.yaml:11:45: expected true or false for variants.A.loss_options.batch, not 'yes'");
  EXPECT_EQ(said("study: small", "study: [a]"),
            "grid.yaml:1:8: expected text for study, not a list (values to try belong in sweep or "
            "search.space)");
}

TEST(GridErrors, OutOfRange) {
  EXPECT_EQ(said("lr: 1e-2", "lr: 1000"),
            "grid.yaml:7:19: expected a number from 1e-12 to 100 for defaults.optimizer.lr, not '1000'");
  EXPECT_EQ(said("epochs: 2", "epochs: 0"),
            "grid.yaml:9:41: expected an integer from 1 to 100000 for defaults.stages.pretrain.epochs, not '0'");
  EXPECT_EQ(said("seeds: [1]", "seeds: [1, -1]"),
            "grid.yaml:5:14: expected an integer from 0 to 9223372036854775807 for defaults.seeds, not '-1'");
}

TEST(GridErrors, UnknownChoiceNamesTheNearest) {
  EXPECT_EQ(said("lr: 1e-2", "name: adan"),
            "grid.yaml:7:21: expected one of adam, adamw, sgd for defaults.optimizer.name, not 'adan' (did you mean "
            "'adam'?)");
}

TEST(GridErrors, AListForANumberPointsToSweep) {
  EXPECT_EQ(said("model: {norm: batch}", "optimizer: {lr: [1e-2, 1e-3]}"),
            "grid.yaml:12:41: expected a number from 1e-12 to 100 for variants.B.optimizer.lr, not a list (values to "
            "try belong in sweep or search.space)");
}

TEST(GridErrors, NamesOfVariantsAreALineOfTables) {
  for (const std::string name : {"\"A\\nB\"", "\"A \"", "\" A\""})
    EXPECT_THAT(said("  A: {", "  " + name + ": {"),
                testing::HasSubstr("can't name a variant, expected a name in one line, without blanks at its ends"));
}

TEST(GridErrors, DuplicateKey) {
  EXPECT_EQ(said("lr: 1e-2", "lr: 1e-2, lr: 1e-3"),
            "grid.yaml:7:25: duplicate key 'lr', expected each key once (the first is in line 7)");
  EXPECT_EQ(said("  B: {", "  A: {"),
            "grid.yaml:12:3: duplicate key 'A', expected each key once (the first is in line 11)");
}

TEST(GridErrors, SyntaxError) {
  EXPECT_EQ(said("seeds: [1]", "seeds: [1"), "grid.yaml:6:8: not valid YAML: end of sequence flow not found");
}

TEST(GridErrors, MissingKeys) {
  EXPECT_EQ(said("study: small\n", ""), "grid.yaml:1:1: missing key 'study', expected the name of the study");
  EXPECT_EQ(refusal("study: s\nvariants: {A: {}}\n"),
            "grid.yaml:1:1: missing key 'cohorts', expected cohorts: {NAME: {...}}");
  EXPECT_EQ(refusal("study: s\ncohorts: {}\n"),
            "grid.yaml:1:1: missing key 'variants', expected variants: {NAME: {...}}");
  EXPECT_EQ(said("cohort: phantom, ", ""),
            "grid.yaml:9:15: missing key 'cohort' in stages.pretrain, expected the name of a cohort");
  EXPECT_EQ(
      said("  stages:\n    pretrain: {cohort: phantom, epochs: 2}\n", ""),
      "grid.yaml:9:3: missing key 'stages' for variant 'A', expected stages: {pretrain: {cohort: NAME}} here or in "
      "defaults");
  EXPECT_EQ(said("A: {loss: {wce: 1}}", "A: {}"),
            "grid.yaml:11:3: missing key 'loss' for variant 'A', expected loss: {TERM: WEIGHT} here or in defaults");
  EXPECT_EQ(said("subjects: 4, ", ""),
            "grid.yaml:3:12: source: phantom needs subjects: how many heads to make (cohort phantom)");
  EXPECT_EQ(said(", split: {train: 2, validation: 1, test: 1}", ""),
            "grid.yaml:3:12: missing key 'split' in cohorts.phantom, expected {train: N, validation: N, test: N}, "
            "{test: N} or {folds: K, validation: N}");
  EXPECT_EQ(said("{subjects: 4", "{source: labels, subjects: 4"),
            "grid.yaml:3:12: source: labels needs labels: the folder of label maps (cohort phantom)");
}

TEST(GridErrors, NothingToRun) {
  EXPECT_EQ(refusal(""), "grid.yaml:1:1: expected a map with study, cohorts and variants, not nothing");
  EXPECT_EQ(refusal("study: s\ncohorts: {}\nvariants: {A: {}}\n"),
            "grid.yaml:2:10: expected at least one cohort {NAME: {...}} for cohorts, not an empty map");
  const std::string no_variants = kValidGrid.substr(0, kValidGrid.find("variants:")) + "variants: {}\n";
  EXPECT_EQ(refusal(no_variants),
            "grid.yaml:10:11: expected at least one variant {NAME: {...}} for variants, not an empty map");
  EXPECT_EQ(said("seeds: [1]", "seeds: []"),
            "grid.yaml:5:10: expected a list of integers for defaults.seeds, such as [1, 2], not an empty list");
}

TEST(GridErrors, UnknownCohortNamesTheNearest) {
  EXPECT_EQ(said("cohort: phantom", "cohort: phantm"),
            "grid.yaml:9:24: unknown cohort 'phantm', expected one of phantom (did you mean 'phantom'?)");
}

TEST(GridErrors, DuplicateSeed) {
  EXPECT_EQ(said("seeds: [1]", "seeds: [1, 2, 1]"),
            "grid.yaml:5:17: duplicate number 1 in defaults.seeds, expected each once");
}

TEST(GridErrors, AKernelWithoutAMiddle) {
  EXPECT_EQ(said("{width: 4}", "{width: 4, kernel: 4}"),
            "grid.yaml:6:29: model.kernel 4 of variant 'A' is even, expected an odd number");
}

TEST(GridErrors, ImageSizeThatTheNetCannotHalve) {
  EXPECT_EQ(
      said("{width: 4}", "{width: 4, depth: 7}"),
      "grid.yaml:6:28: slices of 64 x 64 pixels of cohort 'phantom' don't suit model.depth 7 of variant 'A', expected "
      "multiples of 128");
  EXPECT_EQ(said("size: 64", "size: 100"),
            "grid.yaml:6:10: slices of 100 x 100 pixels of cohort 'phantom' don't suit model.depth 4 of variant 'A', "
            "expected "
            "multiples of 16");
}

TEST(GridErrors, CropThatTheNetCannotHalveOrTheSliceCannotHold) {
  EXPECT_EQ(
      said("epochs: 2", "epochs: 2, crop: 40"),
      "grid.yaml:9:50: crop 40 doesn't suit cohort 'phantom' and model.depth 4 of variant 'A', expected a multiple "
      "of 16 up to 64");
  EXPECT_THAT(said("epochs: 2", "epochs: 2, crop: 80"), HasSubstr("crop 80 doesn't suit cohort 'phantom'"));
}

TEST(GridErrors, AStageThatItsCohortCannotServe) {
  EXPECT_EQ(said("epochs: 2", "epochs: 2, labels: automatic"),
            "grid.yaml:9:52: cohort 'phantom' has no automatic labels, expected label_bias or automatic_labels "
            "in it, or stages.pretrain.labels: manual");
  EXPECT_EQ(said("epochs: 2", "epochs: 2, scans: 2"),
            "grid.yaml:9:51: stages.pretrain trains on scans 0 to 1, expected 0 to 0 (scans_per_subject of cohort "
            "'phantom')");
  EXPECT_EQ(said("variants:", "    finetune: {cohort: phantm}\nvariants:"),
            "grid.yaml:10:24: unknown cohort 'phantm', expected one of phantom (did you mean 'phantom'?)");
  EXPECT_EQ(said("epochs: 2", "epochs: 2, test: phantm"),
            "grid.yaml:9:50: unknown cohort 'phantm', expected one of phantom (did you mean 'phantom'?)");
}

TEST(GridErrors, PatienceThatNeverRunsOut) {
  const std::string patient = changed(kValidGrid, "epochs: 2", "epochs: 9, patience: 2");
  const auto refused = [](const std::string& grid) { return refusal(grid).substr(0, 66); };
  const std::string words = "grid.yaml:9:54: stages.pretrain.patience of variant 'A' never runs";
  EXPECT_EQ(refusal(patient), "accepted");
  EXPECT_EQ(refused(changed(patient, "lr: 1e-2", "lr_schedule: cosine")), words);
  EXPECT_EQ(refusal(changed(patient, "lr: 1e-2", "lr_schedule: step")), "accepted");
  EXPECT_EQ(refused(changed(patient, "{wce: 1}", "{wce: {linear: {0: 1, 1: 2}}}")), words);
  EXPECT_EQ(refusal(changed(patient, "{wce: 1}", "{wce: {linear: {0: 1, 0.8: 2}}}")), "accepted");
  EXPECT_EQ(refusal(changed(patient, "{wce: 1}", "{wce: {step: {0: 1, 1: 2}}}")), "accepted") << "a step at 1 is none";
}

TEST(GridErrors, MethodAndWhatDoesNotCountWithIt) {
  const std::string atlas = changed(kValidGrid, "{loss: {wce: 1}}", "{method: atlas}");
  EXPECT_EQ(refusal(atlas), "accepted");
  EXPECT_THAT(refusal(changed(atlas, "method: atlas", "method: atals")),
              testing::HasSubstr("expected net or atlas for variants.A.method, not 'atals'"));
  EXPECT_THAT(refusal(changed(kValidGrid, "{loss: {wce: 1}}", "{loss: {wce: 1}, precision: fp16}")),
              testing::HasSubstr("expected fp32 or bf16 for variants.A.precision, not 'fp16'"));
  EXPECT_THAT(refusal(changed(atlas, "method: atlas", "method: atlas, loss: {wce: 1}")),
              testing::HasSubstr("key 'loss' of variant 'A' does not count with method: atlas, expected no such key"));
  EXPECT_THAT(refusal(changed(kValidGrid, "{loss: {wce: 1}}", "{loss: {wce: 1}, atlas: {fusion: staple}}")),
              testing::HasSubstr("key 'atlas' of variant 'A' does not count with method: net, expected method: atlas"));
  EXPECT_THAT(refusal(changed(atlas, "method: atlas", "method: atlas, atlas: {fusion: vote}")),
              testing::HasSubstr("expected one of majority, staple, joint"));
  EXPECT_THAT(refusal(changed(atlas, "method: atlas", "method: atlas, stages: {pretrain: {epochs: 3}}")),
              testing::HasSubstr("key 'epochs' of stages.pretrain of variant 'A' does not count with method: atlas"));
  const Study votes = study_of(changed(atlas, "  seeds: [1]", "  views: {axial: 0.5, coronal: 0.5}"));
  EXPECT_EQ(votes.trials[0].views.coronal, 0) << "nets of other planes are none of its";
  EXPECT_EQ(votes.trials[1].views.coronal, 0.5);
  EXPECT_THAT(refusal(changed(atlas, "variants:", "    finetune: {cohort: phantom}\nvariants:")),
              testing::HasSubstr("variant 'A' has 2 stages, expected one with method: atlas"));
}

TEST(GridErrors, StagesOfUnlikeFolds) {
  const std::string folds = "  other: {subjects: 8, size: 64, split: {folds: 2, validation: 1}}\ndefaults:";
  const std::string grid = changed(kValidGrid, "defaults:", folds);
  EXPECT_EQ(refusal(changed(grid, "variants:", "    finetune: {cohort: other}\nvariants:")),
            "grid.yaml:11:15: stages.finetune of variant 'A' has 2 folds, expected 1 as in stages.pretrain");
}

TEST(GridErrors, SplitThatDoesNotFitItsCohort) {
  EXPECT_THAT(said("subjects: 4", "subjects: 5"),
              HasSubstr("grid.yaml:3:43: split: 2 train + 1 validation + 1 test is 4"));
  EXPECT_THAT(said("{train: 2, validation: 1, test: 1}", "{folds: 5, validation: 1}"),
              HasSubstr("grid.yaml:3:43: split: folds"));
  EXPECT_THAT(said("test: 1", "test_subjects: x"),
              HasSubstr("grid.yaml:3:43: split: test_subjects names 'x', which is no subject of the cohort"));
}

TEST(GridErrors, ACohortThatTestsNoOneWhereItIsToTest) {
  const std::string grid = changed(kValidGrid, "subjects: 4", "subjects: 3");
  EXPECT_EQ(refusal(changed(grid, ", test: 1", "")),
            "grid.yaml:9:15: cohort 'phantom' has no test subjects, expected stages.pretrain.test: another cohort");
  const std::string other = changed(changed(grid, ", test: 1", ""), "defaults:",
                                    "  other: {subjects: 4, size: 64, split: {train: 2, validation: 1, test: 1}}\n"
                                    "defaults:");
  EXPECT_EQ(refusal(changed(other, "epochs: 2", "test: other")), "accepted");
}

TEST(GridErrors, BytesThatAreNoUtf8) {
  EXPECT_EQ(refusal(changed(kValidGrid, "A: {loss", "\xD6: {loss")),
            "grid.yaml:11:1: holds bytes that are no UTF-8, expected UTF-8");
  EXPECT_EQ(refusal(changed(kValidGrid, "A: {loss", "Ö: {loss")), "accepted");
}

TEST(GridErrors, ATestCohortOfAnotherSizeThanTheNetIsTrainedOn) {
  const std::string other = changed(kValidGrid, "defaults:",
                                    "  other: {subjects: 4, size: 128, split: {train: 2, validation: 1, test: 1}}\n"
                                    "defaults:");
  EXPECT_EQ(refusal(changed(other, "epochs: 2", "test: other")),
            "grid.yaml:10:39: cohort 'other' has slices of 128 x 128 pixels, expected 64 x 64 as in cohort 'phantom', "
            "which the net is trained on");
}

TEST(GridErrors, ACohortThatOnlyTestsWhereItIsToTrain) {
  const std::string only = "{train: 2, validation: 1, test: 1}}", test = "{test: 4}}";
  EXPECT_EQ(
      refusal(changed(kValidGrid, only, test)),
      "grid.yaml:9:24: cohort 'phantom' has no training and validation subjects, expected train and validation in "
      "its split, or another cohort for stages.pretrain and this one as its test");
  const std::string other = changed(kValidGrid, "defaults:",
                                    "  other: {subjects: 8, size: 64, split: {test: 8}}\n"
                                    "defaults:");
  EXPECT_EQ(refusal(other), "accepted") << "no stage uses it";
  EXPECT_EQ(refusal(changed(other, "epochs: 2", "test: other")), "accepted");
  EXPECT_THAT(refusal(changed(other, "{test: 8}", "{train: 7, test: 1}")),
              ::testing::HasSubstr("both training and validation need a subject"));
}

/// kValidGrid on scans with automatic labels alone, tested on another cohort.
std::string automatic_grid() {
  const std::string cohorts =
      "{source: scans, images: /i, automatic_labels: /l, size: 64, split: {train: 2, validation: 1}}\n"
      "  other: {subjects: 4, size: 64, split: {train: 2, validation: 1, test: 1}}";
  const std::string grid =
      changed(kValidGrid, "{subjects: 4, size: 64, split: {train: 2, validation: 1, test: 1}}", cohorts);
  return changed(grid, "epochs: 2", "labels: automatic, test: other");
}

TEST(GridErrors, ScansWithoutManualLabelsAreNeitherTestedNorTakenForTheTruth) {
  EXPECT_EQ(refusal(automatic_grid()), "accepted");
  EXPECT_EQ(refusal(changed(automatic_grid(), "labels: automatic", "labels: manual")),
            "grid.yaml:10:41: cohort 'phantom' has no manual labels, expected labels in it, or "
            "stages.pretrain.labels: automatic");
  const std::string tested = changed(automatic_grid(), "validation: 1}}", "validation: 1, test: 1}}");
  EXPECT_EQ(refusal(tested), "accepted");
  EXPECT_EQ(refusal(changed(tested, ", test: other", "")),
            "grid.yaml:10:15: cohort 'phantom' has no manual labels to score, expected stages.pretrain.test: another "
            "cohort");
}

TEST(GridErrors, AnOptionThatDoesNotGoWithItsSource) {
  EXPECT_EQ(refusal(changed(automatic_grid(), "images: /i, ", "")),
            "grid.yaml:3:12: source: scans needs images: the folder of scans, or a table (cohort phantom)");
  EXPECT_EQ(
      refusal(changed(automatic_grid(), "images: /i", "images: /i, scans_per_subject: 2")),
      "grid.yaml:3:59: source: scans has one scan a subject, not 2: leave out scans_per_subject (cohort phantom)");
  EXPECT_THAT(refusal(changed(automatic_grid(), "images: /i", "images: /i, label_bias: {noise_mm: 1}")),
              HasSubstr("grid.yaml:3:52: label_bias makes automatic labels of synthetic scans"));
  EXPECT_THAT(said("subjects: 4", "subjects: 4, label_bias: {structures_mm: Left-Amigdala 1}"),
              HasSubstr("structures_mm: 'Left-Amigdala' is no structure"));
  EXPECT_THAT(refusal(changed(automatic_grid(), "images: /i", "images: /i, synthesis: {noise: 1}")),
              HasSubstr("grid.yaml:3:51: synthesis draws images from label maps"));
  EXPECT_EQ(said("subjects: 4", "subjects: 4, labels: /l"),
            "grid.yaml:3:34: source: phantom has no labels, expected source: labels or scans beside it (cohort "
            "phantom)");
}

TEST(GridErrors, SplitIsCheckedWithoutTheLabelMaps) {
  const std::string labels = changed(kValidGrid, "{subjects: 4", "{source: labels, labels: /nowhere");
  EXPECT_EQ(refusal(labels), "accepted");
  EXPECT_THAT(refusal(changed(labels, "{train: 2, validation: 1, test: 1}", "{folds: 4, validation: 1, train: 2}")),
              HasSubstr("split: folds"));
  EXPECT_EQ(refusal(changed(labels, "{train: 2, validation: 1, test: 1}", "{folds: 1000, validation: 1000000}")),
            "accepted");
}

TEST(GridErrors, FoldThatIsNotThere) {
  EXPECT_EQ(said("seeds: [1]", "folds: [0, 1]"),
            "grid.yaml:5:14: fold 1 of cohort 'phantom', expected 0 alone, as its split has no folds");
  const std::string folds = changed(kValidGrid, "{train: 2, validation: 1, test: 1}", "{folds: 2, validation: 1}");
  EXPECT_EQ(refusal(changed(folds, "seeds: [1]", "folds: [2]")),
            "grid.yaml:5:11: fold 2 of cohort 'phantom', expected 0 to 1");
}

TEST(GridErrors, VariantsThatAreTheSame) {
  EXPECT_EQ(said("{loss: {wdice: 1}, model: {norm: batch}}", "{loss: {wce: 1.0}}"),
            "grid.yaml:12:3: variant 'B' is the same as 'A', expected variants that differ in more than their name");
}

TEST(GridErrors, WrongDefaultThatEveryVariantOverrides) {
  EXPECT_EQ(said("seeds: [1]", "loss: {wdcie: 1}"),
            "grid.yaml:5:10: unknown loss term 'wdcie', expected one of wce, wce_boundary, wdice, dice (did you mean "
            "'wdice'?)");
}

TEST(GridErrors, NameThatCanNameNoFile) {
  EXPECT_EQ(said("study: small", "study: a/b"),
            "grid.yaml:1:8: 'a/b' can't name a study, expected letters, digits, '-', '_' and '.'");
}

TEST(GridErrors, FileThatIsNotThere) {
  try {
    read_grid("/nowhere/grid.yaml", {});
    FAIL() << "accepted";
  } catch (const GridError& error) {
    EXPECT_STREQ(error.what(), "/nowhere/grid.yaml: no grid can be read from there");
  }
}

TEST(GridErrors, Sweep) {
  const std::string grid = kValidGrid + "sweep:\n";
  EXPECT_EQ(refusal(grid + "  optimizer.lr: 1\n"),
            "grid.yaml:14:17: expected a list of values for sweep.optimizer.lr, not '1'");
  EXPECT_EQ(refusal(grid + "  optimizer.lr: []\n"),
            "grid.yaml:14:17: expected a list of values for sweep.optimizer.lr, not an empty list");
  EXPECT_EQ(refusal(grid + "  seeds: [1, 2]\n"),
            "grid.yaml:14:3: seeds multiply by themselves, expected them under defaults: seeds: [..]");
  EXPECT_THAT(refusal(grid + "  optimizer.rl: [1]\n"),
              HasSubstr("grid.yaml:14:3: unknown key 'rl' in variants.A.optimizer, expected one of name, lr"));
  EXPECT_EQ(refusal(grid + "  optimizer.lr: [1e-3, 200]\n"),
            "grid.yaml:14:24: expected a number from 1e-12 to 100 for variants.A.optimizer.lr, not '200'");
  EXPECT_EQ(refusal(grid + "  stages.pretrian.epochs: [1, 2]\n"),
            "grid.yaml:14:3: unknown key 'pretrian' in stages, expected one of pretrain (did you mean 'pretrain'?)");
  EXPECT_EQ(refusal(grid + "  optimizer.lr: [1e-3, 0.001]\n"),
            "grid.yaml:11:3: variant 'A [optimizer.lr=0.001]' is the same as 'A [optimizer.lr=0.001]', expected "
            "variants that "
            "differ in more than their name");
}

TEST(GridErrors, SeedsOfFolds) {
  const std::string folds = changed(kValidGrid, "{train: 2, validation: 1, test: 1}", "{folds: 2, validation: 1}");
  const auto with = [&](const std::string& seeds) {
    return refusal(changed(folds, "seeds: [1]", "seeds_of_folds: " + seeds));
  };
  EXPECT_EQ(with("{0: [1, 2]}"), "accepted");
  EXPECT_EQ(with("{2: [1]}"), "grid.yaml:5:23: seeds_of_folds has fold 2, but cohort 'phantom' has folds 0 to 1");
  EXPECT_EQ(with("{first: [1]}"),
            "grid.yaml:5:20: 'first' in defaults.seeds_of_folds is no fold, expected an integer, 0 or more");
  EXPECT_EQ(with("[1]"),
            "grid.yaml:5:19: expected a map {FOLD: [SEEDS]} for defaults.seeds_of_folds, such as {0: [1, 2, 3]}, not a "
            "list");
  EXPECT_EQ(with("{0: [1, 1]}"), "grid.yaml:5:27: duplicate number 1 in defaults.seeds_of_folds.0, expected each once");
  EXPECT_EQ(said("seeds: [1]", "seeds_of_folds: {1: [1]}"),
            "grid.yaml:5:23: seeds_of_folds has fold 1, but cohort 'phantom' has no folds, expected seeds alone");
  EXPECT_EQ(
      refusal(kValidGrid + "sweep: {seeds_of_folds: [{0: [1]}]}\n"),
      "grid.yaml:13:9: seeds_of_folds multiply by themselves, expected them under defaults: seeds_of_folds: [..]");
}

TEST(GridErrors, Claims) {
  const auto with = [](const std::string& claim) { return refusal(kValidGrid + "claims: {c: " + claim + "}\n"); };
  EXPECT_EQ(with("{better: A, than: B}"), "accepted");
  EXPECT_EQ(with("{better: A, than: b}"),
            "grid.yaml:13:31: unknown variant 'b' in claims.c, expected one of A, B (did you mean 'B'?)");
  EXPECT_EQ(with("{better: A}"), "grid.yaml:13:13: missing key 'than' in claims.c, expected one of A, B");
  EXPECT_EQ(with("{better: A, than: A}"), "grid.yaml:13:10: claims.c compares 'A' with itself, expected two variants");
  EXPECT_THAT(with("{better: A, than: B, column: tuned}"), HasSubstr("pretrained"));
  EXPECT_EQ(with("{better: A, than: B, most_in: Left-Amygdala Right-Amygdala}"), "accepted");
  EXPECT_THAT(with("{better: A, than: B, most_in: Left-Amygdala Right-Amigdala}"),
              AllOf(HasSubstr("grid.yaml:13:43: unknown structure 'Right-Amigdala' in claims.c.most_in"),
                    HasSubstr("(did you mean 'Right-Amygdala'?)")));
  EXPECT_EQ(with("{better: A, than: B, column: finetuned}"),
            "grid.yaml:13:10: claims.c is of column finetuned, but 'A' has no stage finetune, expected one, or column: "
            "pretrained");
  EXPECT_EQ(refusal(kValidGrid + "claims: [A]\n"),
            "grid.yaml:13:9: expected a map {CLAIM: {...}} for claims, not a list");
}

TEST(GridErrors, Views) {
  EXPECT_EQ(said("model: {width: 4}", "views: {axial: 0, coronal: 1}"),
            "grid.yaml:6:18: expected a number from 1e-06 to 1 for defaults.views.axial, not '0'");
  EXPECT_THAT(said("model: {width: 4}", "views: {coronary: 1}"), HasSubstr("did you mean 'coronal'?"));
}

}  // namespace
}  // namespace crossfade::runner
