// How a grid expands to trials, and how --set changes it.
#include "runner/grid/grid.hpp"

#include <gmock/gmock.h>

#include "tests/runner/grid/grid_file.hpp"

namespace crossfade::runner {
namespace {

using ::testing::HasSubstr;

TEST(Grid, ExpandsVariantsWithDefaultsFilledIn) {
  const Study study = study_of(kValidGrid);
  EXPECT_EQ(study.name, "small");
  ASSERT_EQ(study.cohorts.size(), 1u);
  EXPECT_EQ(study.cohorts[0].first, "phantom");
  EXPECT_EQ(study.cohorts[0].second.split.train, 2);
  ASSERT_EQ(study.trials.size(), 2u);
  const TrialConfig& b = study.trials[1];
  EXPECT_EQ(b.variant, "B");
  EXPECT_EQ(b.model.norm, "batch");  // the variant's
  EXPECT_EQ(b.model.width, 4);       // the defaults'
  EXPECT_EQ(b.model.depth, 4);       // the struct's
  EXPECT_EQ(b.stages[0].optimizer.lr, 0.01);
  EXPECT_EQ(b.stages[0].name, "pretrain");
  EXPECT_EQ(b.stages[0].epochs, 2);
  EXPECT_EQ(b.seed, 1u);
  EXPECT_EQ(b.fold, 0);
  EXPECT_EQ(study.trials[0].model.norm, "none");  // nothing of B in A
}

TEST(Grid, OrdersTrialsByVariantSweepFoldSeed) {
  std::string grid = changed(kValidGrid, "{train: 2, validation: 1, test: 1}", "{folds: 2, validation: 1}");
  grid = changed(grid, "seeds: [1]", "seeds: [7, 3]");
  grid += "sweep:\n  optimizer.lr: [1e-2, 3e-4]\n  model.width: [4, 8]\n";
  const Study study = study_of(grid);
  ASSERT_EQ(study.trials.size(), 2u * 4 * 2 * 2);
  const auto label = [&](std::size_t i) {
    const TrialConfig& t = study.trials[i];
    return t.variant + " fold " + std::to_string(t.fold) + " seed " + std::to_string(t.seed);
  };
  EXPECT_EQ(label(0), "A [optimizer.lr=0.01, model.width=4] fold 0 seed 7");
  EXPECT_EQ(label(1), "A [optimizer.lr=0.01, model.width=4] fold 0 seed 3");
  EXPECT_EQ(label(2), "A [optimizer.lr=0.01, model.width=4] fold 1 seed 7");
  EXPECT_EQ(label(4), "A [optimizer.lr=0.01, model.width=8] fold 0 seed 7");
  EXPECT_EQ(label(8), "A [optimizer.lr=0.0003, model.width=4] fold 0 seed 7");
  EXPECT_EQ(label(16), "B [optimizer.lr=0.01, model.width=4] fold 0 seed 7");
  EXPECT_EQ(study.trials[12].stages[0].optimizer.lr, 3e-4);
  EXPECT_EQ(study.trials[12].model.width, 8);
}

TEST(Grid, ASweptMapIsPutOverTheVariantKeyByKeyAndALossWhole) {
  const std::string with_depth = changed(kValidGrid, "model: {width: 4}", "model: {width: 4, depth: 2}");
  const Study nets = study_of(with_depth + "sweep: {model: [{width: 8}, {width: 16}]}\n");
  ASSERT_EQ(nets.trials.size(), 4u);
  EXPECT_EQ(nets.trials[1].model.width, 16);
  EXPECT_EQ(nets.trials[1].model.depth, 2) << "of the defaults";
  EXPECT_EQ(nets.trials[2].model.norm, "batch") << "of the variant";
  const Study stages = study_of(kValidGrid + "sweep: {stages.pretrain: [{loss: {dice: 1}}, {batch: 3}]}\n");
  EXPECT_EQ(stages.trials[0].stages[0].epochs, 2);
  ASSERT_EQ(stages.trials[0].stages[0].loss.size(), 1u);
  EXPECT_EQ(stages.trials[0].stages[0].loss[0].term, "dice");
  EXPECT_EQ(stages.trials[1].stages[0].loss[0].term, "wce");
  const Study losses = study_of(kValidGrid + "sweep: {loss: [{dice: 1}], loss.dice: [{step: {0: 1, 0.5: 2}}]}\n");
  EXPECT_EQ(losses.trials[0].stages[0].loss.size(), 1u);
  EXPECT_EQ(losses.trials[0].stages[0].loss[0].curve.shape, "step");
}

TEST(Grid, RunsASubsetOfFolds) {
  std::string grid = changed(kValidGrid, "{train: 2, validation: 1, test: 1}", "{folds: 3, validation: 1}");
  grid = changed(grid, "seeds: [1]", "folds: [2, 0]");
  const Study study = study_of(grid);
  ASSERT_EQ(study.trials.size(), 4u);
  EXPECT_EQ(study.trials[0].fold, 2);
  EXPECT_EQ(study.trials[1].fold, 0);
}

TEST(Grid, AVariantMayHaveItsOwnSeeds) {
  const Study study = study_of(changed(kValidGrid, "A: {loss", "A: {seeds: [5, 6], loss"));
  ASSERT_EQ(study.trials.size(), 3u);
  EXPECT_EQ(study.trials[1].seed, 6u);
  EXPECT_EQ(study.trials[2].seed, 1u);
}

TEST(Grid, AVariantsLossReplacesTheDefaultWhole) {
  const Study study = study_of(changed(kValidGrid, "seeds: [1]", "loss: {wce: 1, dice: 1}"));
  ASSERT_EQ(study.trials[1].stages[0].loss.size(), 1u);
  EXPECT_EQ(study.trials[1].stages[0].loss[0].term, "wdice");
}

TEST(Grid, ALaterStageTakesOverWhatItDoesNotSay) {
  std::string grid = changed(kValidGrid, "A: {loss: {wce: 1}}",
                             "A: {loss: {wce: {step: {0: 1, 0.7: 0}}, wdice: {linear: {0: 0, 1: 2}}}}");
  grid = changed(grid, "variants:",
                 "    finetune: {cohort: phantom, epochs: 1, optimizer: {clip_norm: 1}}\n"
                 "    last: {cohort: phantom, loss: {dice: 1}}\nvariants:");
  const std::vector<StageOptions> stages = study_of(grid).trials[0].stages;
  ASSERT_EQ(stages.size(), 3u);
  EXPECT_EQ(stages[0].loss.size(), 2u);
  ASSERT_EQ(stages[1].loss.size(), 1u) << "w-CE is over by the end";
  EXPECT_EQ(stages[1].loss[0].term, "wdice");
  EXPECT_EQ(evaluate(stages[1].loss[0].curve, 0), 2);
  EXPECT_EQ(stages[2].loss[0].term, "dice");
  EXPECT_EQ(stages[1].optimizer.lr, 0.01) << "the trial's";
  EXPECT_EQ(stages[1].optimizer.clip_norm, 1);
  EXPECT_EQ(stages[0].optimizer.clip_norm, 0);
}

TEST(Grid, AVariantsLossOfAStageReplacesTheDefaultWhole) {
  std::string grid = changed(kValidGrid, "epochs: 2}", "epochs: 2, loss: {wce: 1, dice: 1}}");
  grid = changed(grid, "B: {loss: {wdice: 1}", "B: {stages: {pretrain: {loss: {wdice: 1}}}");
  const Study study = study_of(grid);
  EXPECT_EQ(study.trials[0].stages[0].loss.size(), 2u) << "a stage's own loss stands over the trial's";
  ASSERT_EQ(study.trials[1].stages[0].loss.size(), 1u);
  EXPECT_EQ(study.trials[1].stages[0].loss[0].term, "wdice");
}

TEST(Grid, SweepsWholeLosses) {
  const Study study =
      study_of(kValidGrid + "sweep: {loss: [{wce: 1}, {dice: 1}]}\n", {"variants.B={}", "variants.B.model.norm=batch"});
  ASSERT_EQ(study.trials.size(), 4u);
  EXPECT_EQ(study.trials[3].variant, "B [loss={dice: 1}]");
  EXPECT_EQ(study.trials[3].stages[0].loss[0].term, "dice");
}

TEST(Grid, AnchorsSayAScheduleOnce) {
  std::string grid = changed(kValidGrid, "{loss: {wce: 1}}", "{loss: &l {wce: 1, wdice: 1}}");
  grid = changed(grid, "{loss: {wdice: 1}", "{loss: *l");
  EXPECT_EQ(study_of(grid).trials[1].stages[0].loss.size(), 2u);
}

TEST(GridSet, TakesWholePathsAndShortOnes) {
  const Study study = study_of(
      kValidGrid, {"defaults.optimizer.lr=1e-4", "stages.pretrain.epochs=7", "seeds=[4, 5]", "cohorts.phantom.size=128",
                   "run.threads=3", "study=other", "variants.A.loss.wce={step: {0: 1, 0.5: 2}}"});
  ASSERT_EQ(study.trials.size(), 4u);
  EXPECT_EQ(study.name, "other");
  EXPECT_EQ(study.trials[1].stages[0].optimizer.lr, 1e-4);
  EXPECT_EQ(study.trials[1].seed, 5u);
  EXPECT_EQ(study.trials[0].stages[0].epochs, 7);
  EXPECT_EQ(study.trials[0].stages[0].loss[0].curve.points[1].second, 2);
  EXPECT_EQ(study.cohorts[0].second.size, 128);
  EXPECT_EQ(study.run.threads, 3);
}

TEST(GridSet, FindsVariantNamesWithDotsAndSpaces) {
  const std::string grid = changed(kValidGrid, "  A:", "  U-Net 1.5, fixed w-CE:");
  EXPECT_EQ(
      study_of(grid, {"variants.U-Net 1.5, fixed w-CE.loss.wce=2"}).trials[0].stages[0].loss[0].curve.points[0].second,
      2);
}

TEST(GridSet, MakesSweepsByTheirDottedPath) {
  const Study study = study_of(kValidGrid, {"sweep.optimizer.lr=[1e-2, 1e-3]", "sweep.model.width=[4, 8]"});
  ASSERT_EQ(study.trials.size(), 8u);
  EXPECT_EQ(study.trials[3].variant, "A [optimizer.lr=0.001, model.width=8]");
}

TEST(GridSet, TheLastOfTwoWins) {
  EXPECT_EQ(study_of(kValidGrid, {"optimizer.lr=1", "optimizer.lr=2"}).trials[0].stages[0].optimizer.lr, 2);
}

TEST(GridSet, StandsInPlaceOfTheLineInErrors) {
  const auto said = [](const std::string& argument) { return refusal(kValidGrid, {argument}); };
  EXPECT_EQ(said("optimizer.lr=abc"),
            "--set optimizer.lr=abc: expected a number from 1e-12 to 100 for defaults.optimizer.lr, not 'abc'");
  EXPECT_THAT(said("optimizer.rate=1"),
              HasSubstr("--set optimizer.rate=1: unknown key 'rate' in defaults.optimizer, expected one of"));
  EXPECT_THAT(said("optimiser.lr=1"),
              HasSubstr("--set optimiser.lr=1: unknown key 'optimiser', expected one of study"));
  EXPECT_THAT(said("optimiser.lr=1"), HasSubstr("(did you mean 'optimizer'?)"));
  EXPECT_EQ(said("cohorts.phantm.size=64"),
            "--set cohorts.phantm.size=64: unknown key 'phantm' in cohorts, expected one of phantom (did you mean "
            "'phantom'?)");
  EXPECT_EQ(said("stages.pretrian.epochs=3"),
            "--set stages.pretrian.epochs=3: unknown key 'pretrian' in defaults.stages, expected one of pretrain (did "
            "you mean "
            "'pretrain'?)");
  EXPECT_EQ(said("variants.C.loss.wce=1"),
            "--set variants.C.loss.wce=1: unknown key 'C' in variants, expected one of A, B");
  EXPECT_EQ(said("optimizer.lr"), "--set optimizer.lr: expected PATH=VALUE, such as optimizer.lr=1e-4");
  EXPECT_EQ(said("=1"), "--set =1: expected PATH=VALUE, such as optimizer.lr=1e-4");
  EXPECT_EQ(said("optimizer..lr=1"),
            "--set optimizer..lr=1: an empty key in the path, expected keys with single dots between them");
  EXPECT_EQ(said("study.name=x"), "--set study.name=x: 'study' is 'small' and no map, so it has no key 'name'");
  EXPECT_THAT(said("seeds=[1"), HasSubstr("--set seeds=[1: not valid YAML: "));
  EXPECT_THAT(said("optimizer.lr="), HasSubstr("for defaults.optimizer.lr, not nothing"));
}

TEST(GridSet, RefusesWhatReachesNoTrial) {
  EXPECT_EQ(refusal(kValidGrid, {"loss.wce=2"}),
            "--set loss.wce=2: reaches no trial, because every variant or the sweep says otherwise, expected "
            "variants.NAME.KEY=VALUE");
  EXPECT_EQ(refusal(kValidGrid, {"model.norm=batch"}), "accepted");  // A has it from defaults
}

TEST(Grid, TheTextAfterSetReadsBackAsTheSameStudy) {
  const std::vector<std::string> overrides = {"optimizer.lr=1e-4", "sweep.model.width=[4, 8]", "caption=\"a: b\""};
  const Study once = study_of(kValidGrid, overrides);
  const Study again = study_of(once.text);
  EXPECT_EQ(again.text, once.text);
  EXPECT_EQ(again.caption, "a: b");
  ASSERT_EQ(again.trials.size(), once.trials.size());
  for (std::size_t i = 0; i < once.trials.size(); ++i) EXPECT_EQ(to_json(again.trials[i]), to_json(once.trials[i]));
}

TEST(GridLabels, NameNets) {
  EXPECT_EQ(model_label({"unet", 16, 4, "none"}), "U-Net (width 16)");
  EXPECT_EQ(model_label({"unet", 16, 4, "batch"}), "U-Net (width 16, batch norm)");
  EXPECT_EQ(model_label({"unet", 8, 3, "none"}), "U-Net (width 8, depth 3)");
  EXPECT_EQ(model_label({"unet", 16, 4, "batch"}, {}, model::Precision::kBf16), "U-Net (width 16, batch norm, bf16)");
  EXPECT_EQ(model_label({"quicknat"}), "QuickNAT (width 64)");
  EXPECT_EQ(model_label({"quicknat", 16, 3, "none", 3}), "QuickNAT (width 16, depth 3, kernel 3)");
}

TEST(GridLabels, NameLossesAsThePaperDoes) {
  using schedules::constant;
  EXPECT_EQ(loss_label({{"wdice", constant(1)}}), "Fixed (w-Dice)");
  EXPECT_EQ(loss_label({{"wce", constant(1)}, {"wdice", constant(1)}}), "Fixed (w-CE + w-Dice)");
  EXPECT_EQ(loss_label({{"wce", constant(0.5)}, {"dice", constant(1)}}), "Fixed (0.5 w-CE + Dice)");
  EXPECT_EQ(loss_label({{"wce", {"step", {{0, 1}, {0.7, 0}}}}, {"wdice", {"step", {{0, 0}, {0.4, 1}}}}}),
            "Scheduled (w-CE → w-CE + w-Dice → w-Dice)");
  EXPECT_EQ(loss_label({{"wce", {"linear", {{0, 1}, {1, 0.2}}}}, {"wdice", constant(1)}}),
            "Scheduled (w-CE linear 1 → 0.2, w-Dice)");
  EXPECT_EQ(loss_label({{"wce", {"step", {{0, 1}, {0.5, 1}}}}}), "Fixed (w-CE)");  // a step that changes nothing
}

TEST(Grid, SeedsOfAFoldStandInPlaceOfTheOthers) {
  std::string grid = changed(kValidGrid, "{train: 2, validation: 1, test: 1}", "{folds: 2, validation: 1}");
  grid = changed(grid, "A: {", "A: {seeds_of_folds: {1: [7, 8]}, ");
  std::vector<std::string> trials;
  for (const TrialConfig& trial : study_of(grid).trials)
    trials.push_back(trial.variant + std::to_string(trial.fold) + "/" + std::to_string(trial.seed));
  EXPECT_EQ(trials, (std::vector<std::string>{"A0/1", "A1/7", "A1/8", "B0/1", "B1/1"}));
}

TEST(Grid, ViewsAreSaidInTheModelsLabel) {
  const Study study = study_of(changed(kValidGrid, "A: {", "A: {views: {axial: 0.4, coronal: 0.4, sagittal: 0.2}, "));
  EXPECT_EQ(study.trials[0].views.sagittal, 0.2);
  EXPECT_EQ(model_label(study.trials[0].model, study.trials[0].views), "U-Net (width 4, 3 views)");
  EXPECT_EQ(model_label(study.trials[1].model, study.trials[1].views), "U-Net (width 4, batch norm)");
}

}  // namespace
}  // namespace crossfade::runner
