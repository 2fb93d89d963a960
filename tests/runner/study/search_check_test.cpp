// No test subject has a part in a search, and what it compares is alike.
#include "runner/study/search_check.hpp"

#include <gmock/gmock.h>

#include "runner/grid/search_trials.hpp"
#include "runner/search/methods.hpp"
#include "tests/error_of.hpp"
#include "tests/runner/grid/grid_file.hpp"

namespace crossfade::runner {
namespace {

using testing::HasSubstr;

const std::string kGrid = changed(kValidGrid, "subjects: 4", "subjects: 6") + R"(search:
  method: grid
  seeds: [11]
  space: {x: [phantom, other]}
  settings: {stages: {pretrain: {cohort: $x}}, loss: {wce: 1, wdice: 1}}
)";

/// What is said of the grid with six subjects in its cohort, two of them tested, and a cohort `other` of the same.
std::string said(const std::string& split, const std::string& grid = kGrid) {
  const std::string of_six = changed(grid, "{train: 2, validation: 1, test: 1}",
                                     "{train: 3, validation: 1, test_subjects: phantom-005 phantom-006}");
  const Study study = study_of(changed(
      of_six, "defaults:", "  other: {subjects: 6, size: 64, scans_per_subject: 2, split: " + split + "}\ndefaults:"));
  const std::vector<TrialConfig> candidates = candidate_trials(study, next_points(*study.search, {}));
  CohortPlans plans;
  for (const auto& [name, spec] : study.cohorts)
    plans[name] = {"none", {{0, data::split_of(data::open_cohort(spec), 0)}}, {}};
  return error_of([&] { check_search(study.trials, candidates, plans); });
}

TEST(SearchCheck, TakesCohortsOfOneSplit) {
  EXPECT_EQ(said("{train: 3, validation: 1, test_subjects: phantom-005 phantom-006}"), "no error");
}

TEST(SearchCheck, RefusesCandidatesThatLearnFromWhomVariantsTest) {
  EXPECT_THAT(said("{train: 4, validation: 1, test_subjects: phantom-005}"),
              HasSubstr("search: 'schedule found [x=other]' learns from phantom-006, whom variant 'A' tests: no test "
                        "subject may have a part in the search; give the cohorts the same split"));
}

TEST(SearchCheck, RefusesCandidatesThatAreRankedOnUnlikeSubjects) {
  EXPECT_THAT(said("{train: 2, validation: 2, test_subjects: phantom-005 phantom-006}"),
              HasSubstr("'schedule found [x=other]' is ranked by its Dice on other validation subjects than 'schedule "
                        "found [x=phantom]'"));
}

TEST(SearchCheck, RefusesFinalistsThatAreTestedOnOthers) {
  const std::string tested = changed(kGrid, "{cohort: $x}", "{cohort: phantom, test: $x}");
  const std::string fewer = "{train: 4, validation: 1, test_subjects: phantom-005}";
  EXPECT_THAT(
      said(fewer, tested),
      HasSubstr("'schedule found [x=other]' would be tested in stage pretrain on other subjects than variant 'A'"));
}

}  // namespace
}  // namespace crossfade::runner
