// Who learns and who is tested, before any shard is opened.
#include "runner/study/cohorts.hpp"

#include <gmock/gmock.h>

#include "tests/error_of.hpp"
#include "tests/runner/grid/grid_file.hpp"

namespace crossfade::runner {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refused(const std::string& grid) {
  const Study study = study_of(grid);
  try {
    const OpenedCohorts opened = open_cohorts(study);
    CohortPlans plans;
    for (const auto& [name, cohort] : opened) plans[name] = {"none", splits_in_use(study, name, cohort)};
    open_data(study.trials[0], plans);
  } catch (const std::exception& error) {  // where nothing is refused, that there are no folders of shards
    return error.what();
  }
  return {};
}

// Heads of one name are one subject, whatever the cohort: 'other' splits the same four by another seed.
TEST(StudyCohorts, TestNoSubjectThatAnyStageLearnsFrom) {
  const std::string grid = changed(kValidGrid, "variants:", "    finetune: {cohort: other}\nvariants:");
  const std::string other = "  other: {subjects: 4, size: 64, seed: 2, split: {train: 3, validation: 1}}\ndefaults:";
  const std::string stage = changed(grid, "cohort: other", "cohort: other, test: phantom");
  EXPECT_THAT(refused(changed(stage, "defaults:", other)),
              AllOf(HasSubstr("is tested in stage pretrain, but stage finetune learns from the subject of that "
                              "name in cohort other"),
                    HasSubstr("of cohort phantom"), HasSubstr("the same split and seed")));
}

// Scans of unlike names, but of one person.
TEST(StudyCohorts, TestNoPersonThatAnyStageLearnsFrom) {
  const Study study = study_of(kValidGrid);
  const OpenedCohorts opened = open_cohorts(study);
  CohortPlans plans;
  for (const auto& [name, cohort] : opened) plans[name] = {"none", splits_in_use(study, name, cohort)};
  const data::Split& split = plans.at("phantom").splits.at(0);
  plans.at("phantom").persons = {{split.validation.front(), "anna"}, {split.test.front(), "anna"}};
  EXPECT_THAT(error_of([&] { open_data(study.trials[0], plans); }),
              AllOf(HasSubstr("subject " + split.test.front() + " of cohort phantom is tested in stage pretrain"),
                    HasSubstr("learns from subject " + split.validation.front() + ", a scan of the same person, in")));
}

TEST(StudyCohorts, RefuseASubjectOfTwoPersons) {
  const CohortPlans plans = {{"a", {"none", {}, {{"s", "anna"}, {"t", "anna"}}}}, {"b", {"none", {}, {{"s", "bert"}}}}};
  EXPECT_EQ(error_of([&] { persons_of(plans); }),
            "cohort b: subject s is a scan of person bert, but in another cohort of the study of person anna; give the "
            "two scans different names");
  EXPECT_EQ(persons_of(CohortPlans{{"a", plans.at("a")}}).at("t"), "anna");
}

TEST(StudyCohorts, RefuseMoreTrainingSubjectsThanThereAre) {
  EXPECT_EQ(refused(changed(kValidGrid, "epochs: 2", "epochs: 2, train_subjects: 3")),
            "stage pretrain trains on 3 subjects, but cohort phantom has 2 for training: expected train_subjects up to "
            "that");
}

TEST(StudyCohorts, OfUnlikeClassesAreRefusedByTheFirstThatDiffers) {
  const std::string grid = changed(kValidGrid, "variants:", "    finetune: {cohort: other}\nvariants:");
  const Study study = study_of(changed(grid, "defaults:",
                                       "  other: {subjects: 4, size: 64, seed: 1, split: {train: 2, validation: 1, "
                                       "test: 1}}\ndefaults:"));
  OpenedCohorts opened = open_cohorts(study);
  EXPECT_NO_THROW(check_study(study, opened));
  opened.at("phantom").table.classes.names[3] = "Spleen";
  EXPECT_EQ(error_of([&] { check_study(study, opened); }),
            "cohorts other and phantom have unlike classes: class 3 is Right-Cerebral-White-Matter against Spleen; "
            "expected one list of classes in a study");
  opened = open_cohorts(study);
  opened.at("other").channels = {"T1", "FLAIR"};
  EXPECT_THAT(error_of([&] { check_study(study, opened); }), HasSubstr("cohort other has other channels than cohort"));
  opened = open_cohorts(study);
  opened.at("phantom").grid.width = 60;
  EXPECT_THAT(error_of([&] { check_study(study, opened); }),
              HasSubstr("60 x 64 pixels of cohort 'phantom' don't suit"));
}

}  // namespace
}  // namespace crossfade::runner
