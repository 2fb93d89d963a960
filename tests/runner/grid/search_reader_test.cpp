#include "runner/grid/search_reader.hpp"

#include <gmock/gmock.h>

#include <set>

#include "runner/grid/search_settings.hpp"
#include "runner/grid/search_trials.hpp"
#include "runner/search/methods.hpp"
#include "tests/runner/grid/grid_file.hpp"

namespace crossfade::runner {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// Ten epochs; two switch points on their ends, a shape, and a learning rate of two.
const std::string kSearchGrid = changed(kValidGrid, "epochs: 2", "epochs: 10") + R"(search:
  method: random
  seeds: [11, 12]
  budget: {epochs: 100}
  finalists: 2
  space:
    first: {from: 0.2, to: 0.5}
    second: {from: 0.4, to: 0.9, step: 0.25}
    shape: [step, linear]
    lr: [1e-2, 1e-3]
  constraints: [first < second]
  settings:
    optimizer: {lr: $lr}
    loss:
      wce: {$shape: {0: 1, $second: 0}}
      wdice: {step: {0: 0, $first: 1}}
)";

TEST(SearchReader, ReadsSpaceOptionsAndSeeds) {
  const Study study = study_of(kSearchGrid);
  ASSERT_TRUE(study.search);
  const Search& search = *study.search;
  EXPECT_EQ(search.options.name, "schedule found");
  EXPECT_EQ(search.options.objective, "end");
  EXPECT_EQ(search.options.budget.epochs, 100);
  EXPECT_THAT(search.seeds, ElementsAre(11, 12));
  ASSERT_EQ(search.space.dimensions.size(), 4u);
  const auto& [first, second, shape, lr] = std::tie(search.space.dimensions[0], search.space.dimensions[1],
                                                    search.space.dimensions[2], search.space.dimensions[3]);
  EXPECT_TRUE(first.moment);
  EXPECT_THAT(first.raster, ElementsAre(2 / 10.0, 3 / 10.0, 4 / 10.0, 5 / 10.0)) << "ends of epochs";
  EXPECT_THAT(second.raster, ElementsAre(0.4, 0.65, 0.9)) << "by step";
  EXPECT_THAT(shape.choices, ElementsAre("step", "linear"));
  EXPECT_FALSE(lr.moment);
  EXPECT_THAT(lr.raster, ElementsAre(1e-3, 1e-2)) << "numbers, rising";
  ASSERT_EQ(search.space.orders.size(), 1u);
  EXPECT_EQ(search.space.orders[0].before, 0u);
  EXPECT_EQ(search.space.orders[0].behind, 1u);
  EXPECT_EQ(study.trials.size(), 2u) << "candidates are no trials of the grid";
}

TEST(SearchReader, MakesTrialsOfPoints) {
  const Study study = study_of(kSearchGrid);
  const Point point = {0.3, 0.65, 1, 1e-3};
  const std::vector<TrialConfig> candidates = candidate_trials(study, {point, {0.2, 0.4, 0, 1e-2}});
  ASSERT_EQ(candidates.size(), 4u);
  const TrialConfig& trial = candidates[1];
  EXPECT_EQ(trial.variant, "schedule found [first=0.3, second=0.65, shape=linear, lr=0.001]");
  EXPECT_EQ(trial.seed, 12u);
  EXPECT_FALSE(trial.tested);
  EXPECT_EQ(trial.model.width, 4);
  EXPECT_EQ(trial.stages[0].optimizer.lr, 1e-3);
  EXPECT_EQ(trial.stages[0].loss[0].curve.shape, "linear");
  EXPECT_THAT(trial.stages[0].loss[0].curve.points, ElementsAre(std::pair(0.0, 1.0), std::pair(0.65, 0.0)));
  EXPECT_THAT(trial.stages[0].loss[1].curve.points, ElementsAre(std::pair(0.0, 0.0), std::pair(0.3, 1.0)));

  const std::vector<TrialConfig> finalists = finalist_trials(study, {point, {0.2, 0.4, 0, 1e-2}});
  ASSERT_EQ(finalists.size(), 2u);
  EXPECT_EQ(finalists[0].variant, "schedule found");
  EXPECT_EQ(finalists[1].variant, "schedule found (2)");
  EXPECT_EQ(finalists[0].seed, 1u);
  EXPECT_TRUE(finalists[0].tested);
  EXPECT_EQ(settings_yaml(study.text, *study.search, point),
            "optimizer: {lr: 0.001}\nloss:\n  wce: {linear: {0: 1, 0.65: 0}}\n  wdice: {step: {0: 0, 0.3: 1}}\n");
}

std::vector<std::uint64_t> seeds_of(const std::vector<TrialConfig>& trials) {
  std::vector<std::uint64_t> seeds;
  for (const TrialConfig& trial : trials) seeds.push_back(trial.seed);
  return seeds;
}

TEST(SearchReader, NeverIsNeverInTheStagesBehindToo) {
  const Study study =
      study_of(changed(kSearchGrid, "variants:", "    finetune: {cohort: phantom, epochs: 1}\nvariants:"));
  const TrialConfig trial = candidate_trials(study, {{0.3, 1, 0, 1e-3}}).front();
  ASSERT_EQ(trial.stages.size(), 2u);
  const std::vector<schedules::ScheduledTerm>& loss = trial.stages[1].loss;
  ASSERT_EQ(loss.size(), 2u) << "w-CE has not gone";
  EXPECT_EQ(loss[0].term, "wce");
  EXPECT_EQ(loss[0].curve, schedules::constant(1));
}

TEST(SearchReader, CandidatesHaveTheSearchsSeedsWhereDefaultsNameThoseOfFolds) {
  for (const std::string seeds : {"", "  seeds: [7]\n"}) {
    const std::string of_folds = "  seeds_of_folds: {0: [1, 2, 3]}\n";
    const Study study = study_of(changed(kSearchGrid, "  seeds: [1]\n", seeds + of_folds));
    EXPECT_EQ(study.trials.size(), 6u) << "two variants";
    EXPECT_THAT(seeds_of(candidate_trials(study, {{0.3, 0.65, 1, 1e-3}})), ElementsAre(11, 12)) << seeds;
    EXPECT_THAT(seeds_of(finalist_trials(study, {{0.3, 0.65, 1, 1e-3}})), ElementsAre(1, 2, 3)) << "as the variants";
  }
}

TEST(SearchReader, SaysWhatIsTested) {
  Study study = study_of(kSearchGrid);
  study.trials.front().variant = "the last by name";
  TrialConfig second = study.trials.front();
  second.seed = 7;
  study.trials.insert(study.trials.begin() + 1, second);
  EXPECT_EQ(test_plan(study), "'schedule found', 'schedule found (2)' beside 2 variants, with seeds 1, 7 each, once");
  study.trials.resize(1);
  EXPECT_EQ(
      test_plan(study),
      "'schedule found', 'schedule found (2)' beside 1 variant, with seed 1, once; no claim can hold with one seed");
}

TEST(SearchReader, AddsClaimsAgainstEachVariant) {
  const Study study = study_of(kSearchGrid + "claims:\n  mine: {better: A, than: B}\n");
  std::vector<std::string> names;
  for (const analysis::Claim& claim : study.claims) names.push_back(claim.name);
  EXPECT_THAT(names, ElementsAre("mine", "schedule found vs. A", "schedule found vs. B", "schedule found (2) vs. A",
                                 "schedule found (2) vs. B"));
}

std::vector<std::string> columns_of(const std::string& grid) {
  std::vector<std::string> columns;
  for (const analysis::Claim& claim : study_of(grid).claims) columns.push_back(claim.than + " " + claim.role);
  return columns;
}

TEST(SearchReader, ClaimsInTheLastColumnThatBothHave) {
  const std::string grid = changed(kSearchGrid, "finalists: 2", "finalists: 1");
  const std::string tuned = "stages: {finetune: {cohort: phantom, epochs: 1}}";
  EXPECT_THAT(columns_of(changed(grid, "A: {", "A: {" + tuned + ", ")), ElementsAre("A pretrained", "B pretrained"));
  const std::string of_both = changed(grid, "  settings:\n", "  settings:\n    " + tuned + "\n");
  EXPECT_THAT(columns_of(of_both), ElementsAre("A pretrained", "B pretrained"));
  EXPECT_THAT(columns_of(changed(of_both, "B: {", "B: {" + tuned + ", ")), ElementsAre("A pretrained", "B finetuned"));
}

TEST(SearchReader, TestsAClaimOnce) {
  EXPECT_EQ(
      study_of(kSearchGrid + "claims:\n  mine: {better: schedule found, than: A, column: pretrained}\n").claims.size(),
      4u);
  EXPECT_THAT(refusal(kSearchGrid + "claims:\n  schedule found vs. B: {better: A, than: B}\n"),
              HasSubstr("'schedule found vs. B' is what the search calls a claim of its own, expected another name"));
}

TEST(SearchReader, ATrialOfASearchIsAnotherThanTheSameThatIsTested) {
  const Study study = study_of(kSearchGrid);
  const Point point = {0.3, 0.65, 1, 1e-3};
  TrialConfig candidate = candidate_trials(study, {point}).front(), tested = candidate;
  tested.tested = true;
  const std::vector<std::pair<std::string, std::string>> hashes = {{"phantom", "x"}};
  EXPECT_NE(stage_hashes(candidate, study, hashes), stage_hashes(tested, study, hashes));
}

/// What is said of the grid of a search with a change.
std::string said_of(const std::string& from, const std::string& to, const std::vector<std::string>& overrides = {}) {
  return refusal(changed(kSearchGrid, from, to), overrides);
}

TEST(SearchReader, RefusesWhatASearchCannotBe) {
  EXPECT_EQ(refusal(kSearchGrid), "accepted");
  EXPECT_THAT(said_of("method: random", "method: annealing"), HasSubstr("expected one of grid, random, model, branch"));
  EXPECT_THAT(said_of("  seeds: [11, 12]\n", ""), HasSubstr("missing key in search, expected seeds"));
  EXPECT_THAT(said_of("    first: {from: 0.2, to: 0.5}\n", ""), HasSubstr("$first stands for nothing in search.space"));
  EXPECT_THAT(said_of("$lr", "0.1"),
              HasSubstr("'lr' stands nowhere in search.settings, expected $lr there, without quotes"));
  EXPECT_THAT(said_of("$lr", "\"$lr\""), HasSubstr("expected $lr there, without quotes"));
  EXPECT_THAT(said_of("to: 0.5", "to: 0.1"), HasSubstr("expected from to be the smaller one"));
  EXPECT_THAT(said_of("from: 0.2, ", ""), HasSubstr("missing key 'from' in search.space.first"));
  EXPECT_THAT(said_of("first < second", "first < secnd"), HasSubstr("(did you mean 'second'?)"));
  EXPECT_THAT(said_of("first < second", "first second"), HasSubstr("expected a list such as [first < second]"));
  EXPECT_THAT(said_of("[step, linear]", "[step, step]"), HasSubstr("a value twice in search.space.shape"));
  EXPECT_THAT(said_of("[step, linear]", "[step, zigzag]"), HasSubstr("unknown shape 'zigzag'"));
  EXPECT_THAT(said_of("  budget: {epochs: 100}\n", ""), HasSubstr("method random has no end of its own"));
  EXPECT_THAT(said_of("method: random", "method: branch"), HasSubstr("'shape' of search.space has texts"));
  EXPECT_THAT(refusal(changed(changed(kSearchGrid, "method: random", "method: branch"), "[step, linear]", "[1, 2]")),
              HasSubstr("'lr' of search.space is no moment"));
  EXPECT_THAT(said_of("{from: 0.2, to: 0.5}", "{from: 0.21, to: 0.29}"), HasSubstr("no epoch ends from 0.21 to 0.29"));
  EXPECT_EQ(
      said_of("{from: 0.2, to: 0.5}", "{from: 2, to: 5}"),
      "grid.yaml:19:12: search.space.first goes from 2 to 5, expected from 0 to 1: a moment is a part of its stage, "
      "not an epoch");
  EXPECT_THAT(said_of("{from: 0.2, to: 0.5}", "{from: 0.2, to: 0.5, scale: log}"), HasSubstr("expected scale: linear"));
  EXPECT_EQ(said_of("first < second", "first < shape"),
            "grid.yaml:23:17: 'shape' of search.space has texts, which are in no order, expected a range or numbers");
  EXPECT_THAT(said_of("lr: [1e-2, 1e-3]", "lr: [\"1e-2\", 0.01]"), HasSubstr("a value twice in search.space.lr"));
  EXPECT_THAT(
      said_of("lr: $lr", "lr: [$lr, 1e-2]"),
      HasSubstr("for search.settings.optimizer.lr, not a list (values to try belong in sweep or search.space)"));
  EXPECT_THAT(said_of("finalists: 2", "finalists: 100"),
              HasSubstr("search.finalists is 100, but search.space has 40 points, expected as many or fewer"))
      << "10 pairs of moments, 2 shapes, 2 rates";
  EXPECT_THAT(refusal(changed(kValidGrid, "variants:", "search: [{method: grid}]\nvariants:")),
              HasSubstr("expected a map for search, one a grid, not a list"));
}

TEST(SearchReader, ASpaceIsTriedWithEachOfItsValuesHoweverLargeItIs) {
  const std::string large = changed(changed(kSearchGrid, "epochs: 10", "epochs: 400"), "lr: [1e-2, 1e-3]",
                                    "lr: {from: 1e-4, to: 1e-2, scale: log}\n    width: [4, 8, 16.5, 32]");
  const std::string with_width =
      changed(large, "optimizer: {lr: $lr}", "optimizer: {lr: $lr}\n    model: {width: $width}");
  EXPECT_THAT(refusal(with_width), HasSubstr("for search.settings.model.width, not '16.5' (search with first="));
  const std::string of_one_curve =
      changed(changed(changed(large, "    width: [4, 8, 16.5, 32]\n", ""), "first < second", "first <= second"),
              "wdice: {step: {0: 0, $first: 1}}", "wdice: {step: {0: 0, $first: 1, $second: 2}}");
  EXPECT_THAT(refusal(of_one_curve), HasSubstr("'0.4' twice in one map")) << "two switches of one curve at a moment";
}

TEST(SearchReader, AStageOfOtherEpochsNeedsAStepOfItsOwn) {
  const std::string two = changed(kSearchGrid, "variants:", "    finetune: {cohort: phantom, epochs: 7}\nvariants:");
  EXPECT_EQ(refusal(two), "accepted");
  const std::string in_both = changed(
      two, "    loss:\n", "    stages: {finetune: {loss: {wdice: 1, wce: {step: {0: 1, $first: 0}}}}}\n    loss:\n");
  EXPECT_THAT(refusal(in_both), HasSubstr("$first stands in stages of 7 and of 10 epochs, expected step in its range"));
  EXPECT_EQ(refusal(changed(in_both, "from: 0.2, to: 0.5", "from: 0.2, to: 0.5, step: 0.1")), "accepted");
}

TEST(SearchReader, RefusesADimensionThatChangesNothing) {
  const auto with_rate = [](const std::string& grid) {
    return changed(grid, "pretrain: {", "pretrain: {optimizer: {lr: 0.1}, ");
  };
  EXPECT_THAT(
      refusal(with_rate(kSearchGrid)),
      HasSubstr("'lr' changes nothing: with 0.001 and with 0.01 trials are the same, expected $lr where nothing "
                "stands over it, as a key of a stage does over that of its variant"));
  const std::string range = changed(kSearchGrid, "lr: [1e-2, 1e-3]", "lr: {from: 1e-3, to: 1e-2, scale: log}");
  EXPECT_EQ(refusal(range), "accepted");
  EXPECT_THAT(refusal(with_rate(range)), HasSubstr("'lr' changes nothing: with 0.001 and with 0.01 trials are"));
  const std::string fixed = changed(kSearchGrid, "pretrain: {", "pretrain: {loss: {wce: 1}, ");
  EXPECT_THAT(refusal(fixed), HasSubstr("'first' changes nothing: with 0.2 and with 0.3"));
}

TEST(SearchReader, SaysWithWhichPointAVariantCannotBe) {
  const std::string crossed =
      said_of("wdice: {step: {0: 0, $first: 1}}", "wdice: {step: {0: 0, $second: 1, $first: 2}}");
  EXPECT_THAT(crossed, HasSubstr("progress must rise from point to point"));
  EXPECT_THAT(crossed, HasSubstr("(search with first=0.2, second=0.4, shape=step, lr=0.001)"));
  EXPECT_THAT(
      said_of("  constraints: [first < second]\n", ""),
      HasSubstr("has weight 0 at progress 0.4, expected at least one above 0 (search with first=0.5, second=0.4"));
  EXPECT_THAT(refusal(changed(changed(kSearchGrid, "  constraints: [first < second]\n", ""),
                              "wdice: {step: {0: 0, $first: 1}}", "wdice: {step: {0: 0, $first: 1, $second: 2}}")),
              HasSubstr("'0.4' twice in one map, expected constraints or ranges that keep apart"));
}

TEST(SearchReader, SaysThatMethodBranchBeginsWithNever) {
  const std::string grid = changed(changed(kValidGrid, "epochs: 2", "epochs: 10"), "variants:", R"(search:
  seeds: [11]
  space: {a: {from: 0.1, to: 0.5}, b: {from: 0.6, to: 0.9}}
  settings: {loss: {wce: {linear: {$a: 1, $b: 0}}, wdice: {linear: {$a: 0, $b: 1}}}}
variants:)");
  EXPECT_THAT(refusal(grid), AllOf(HasSubstr("(search with a=1, b=0.6): 1 is never, with which method branch begins"),
                                   HasSubstr("expected constraints")));
  EXPECT_EQ(refusal(changed(grid, "  settings", "  constraints: [a < b]\n  settings")), "accepted");
  EXPECT_THAT(refusal(changed(grid, "{from: 0.1, to: 0.5}", "[0.1, never]")),
              HasSubstr("'a' of search.space has texts, expected method grid, random or model, or numbers (1: never)"));
}

/// Three moments, each of a curve of its own, on the ends of ten epochs.
const std::string kThreeMoments = changed(kValidGrid, "epochs: 2", "epochs: 10") + R"(search:
  method: branch
  seeds: [11, 12]
  space:
    a: {from: 0.2, to: 0.3}
    b: {from: 0.4, to: 0.5}
    c: {from: 0.6, to: 0.7}
  constraints: [a < b, b < c]
  settings:
    loss:
      wce: {step: {0: 1, $c: 0}}
      wdice: {step: {0: 0, $a: 1}}
      dice: {step: {0: 0, $b: 1}}
)";

// With b and c never, b < c holds at no a; a < b and b < c hold at no b and no c either, with the other two never.
TEST(SearchReader, RefusesConstraintsThatLeaveBranchNothingToBeginWith) {
  EXPECT_EQ(
      refusal(kThreeMoments),
      "grid.yaml:20:16: search.constraints leave method branch nothing to begin with: it tries one moment while "
      "the others are never (1), and < forbids two that are both never, expected <= between these where they stand "
      "in curves of their own, or another method");
  EXPECT_EQ(refusal(changed(kThreeMoments, "branch", "grid")), "accepted");
  const Study study = study_of(changed(kThreeMoments, "b < c", "b <= c"));
  EXPECT_THAT(next_points(*study.search, {}), ElementsAre(Point{0.2, 1, 1}, Point{0.3, 1, 1}));
}

TEST(SearchReader, RefusesConstraintsThatNoPointFulfils) {
  const std::string ranges = changed(kSearchGrid, "lr: [1e-2, 1e-3]", "lr: {from: 1e-4, to: 1e-2, scale: log}");
  EXPECT_EQ(refusal(ranges), "accepted");
  const std::string below_itself = changed(ranges, "[first < second]", "[first < second, lr < lr]");
  for (const std::string method : {"random", "model"})
    EXPECT_EQ(refusal(changed(below_itself, "method: random", "method: " + method)),
              "grid.yaml:23:16: search.constraints leave method " + method +
                  " nothing to begin with: no point that it draws fulfils them, expected some that more of "
                  "search.space fulfils");
  EXPECT_EQ(refusal(changed(ranges, "[first < second]", "[second < lr]")),
            "grid.yaml:23:16: search.constraints leave method random nothing to begin with: no point that it draws "
            "fulfils them, expected some that more of search.space fulfils")
      << "0.4 and more against 0.01 and less";
  EXPECT_EQ(said_of("[first < second]", "[first < first]"),
            "grid.yaml:23:16: search.constraints leave no point of search.space, expected some that its values can "
            "fulfil");
}

TEST(SearchReader, RefusesAnUnfairComparison) {
  EXPECT_THAT(said_of("[11, 12]", "[11, 1]"),
              HasSubstr("seed 1 of search.seeds is one that variants are trained with"));
  EXPECT_THAT(said_of("A: {loss", "A: {seeds: [3], loss"), HasSubstr("variant 'B' has other seeds than 'A'"));
  EXPECT_EQ(refusal(changed(changed(kSearchGrid, "  seeds: [1]", "  seeds: [1, 2]"), "A: {", "A: {seeds: [2, 1], ")),
            "accepted")
      << "the same in another order";
  for (const std::string seeds : {"seeds: [4]", "seeds: [1]", "seeds_of_folds: {0: [1]}"})
    EXPECT_EQ(said_of("  settings:\n", "  settings:\n    " + seeds + "\n"),
              "grid.yaml:25:5: '" + seeds.substr(0, seeds.find(':')) +
                  "' in search.settings, expected the seeds of candidates as search.seeds, and those of finalists and "
                  "variants in defaults");
  const std::string own =
      changed(changed(kSearchGrid, "A: {loss", "A: {seeds: [3], loss"), "B: {loss", "B: {seeds: [3], loss");
  EXPECT_EQ(refusal(own),
            "grid.yaml:11:3: variant 'A' has other seeds than defaults, with which what the search finds is trained, "
            "expected the same");
  EXPECT_THAT(said_of("  A: {", "  schedule found: {"), HasSubstr("is what the search calls its row"));
  EXPECT_THAT(said_of("{train: 2, validation: 1, test: 1}", "{folds: 2, validation: 1}"),
              HasSubstr("a search over several folds would see subjects that another fold tests"));
  EXPECT_THAT(refusal(kSearchGrid + "sweep:\n  model.width: [4, 8]\n"), HasSubstr("a sweep beside search"));
}

TEST(SearchReader, MayBeSetFromTheCommandLine) {
  EXPECT_EQ(study_of(kSearchGrid, {"search.budget.epochs=7"}).search->options.budget.epochs, 7);
  EXPECT_EQ(study_of(kSearchGrid, {"loss_options.weight_cap=5"}).trials[0].loss_options.weight_cap, 5)
      << "below defaults, which the search's settings need not say";
}

}  // namespace
}  // namespace crossfade::runner
