#include "analysis/scores/dice.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using Labels = std::vector<std::uint8_t>;

TEST(Counts, OfACaseWorkedByHand) {
  //               tp0  fn1,fp2  tp1 tp1 fp1,fn3 tp2
  const Labels truth = {0, 1, 1, 1, 3, 2}, prediction = {0, 2, 1, 1, 1, 2};
  const Counts c = count(truth, prediction, data::kClasses);
  EXPECT_EQ(c.true_positive[0], 1);
  EXPECT_EQ(c.true_positive[1], 2);
  EXPECT_EQ(c.false_negative[1], 1);
  EXPECT_EQ(c.false_positive[1], 1);
  EXPECT_EQ(c.false_positive[2], 1);
  EXPECT_EQ(c.false_negative[3], 1);
  const auto d = dice(c);
  EXPECT_DOUBLE_EQ(d[1], 4.0 / 6);  // 2*2 / (2*2 + 1 + 1)
  EXPECT_DOUBLE_EQ(d[2], 2.0 / 3);
  EXPECT_EQ(d[3], 0);  // in the truth alone
  EXPECT_TRUE(std::isnan(d[4]));
  const MeanDice mean = mean_dice(c);
  EXPECT_DOUBLE_EQ(mean.mean, (4.0 / 6 + 2.0 / 3 + 0) / 3);  // background is not in it
  EXPECT_EQ(mean.structures, 3);
  EXPECT_EQ(mean.left_out, 24);
}

TEST(Counts, OfVoxelsThatNobodyHasJudgedAreNone) {
  //                       tp1 -    -    fn2,fp1 tp0 fn1,fp0; whatever is predicted at an ignored voxel
  const Labels truth = {1, 255, 255, 2, 0, 1}, prediction = {1, 2, 0, 1, 0, 0};
  const Counts c = count(truth, prediction, 3);
  EXPECT_EQ(c.true_positive, (std::vector<std::int64_t>{1, 1, 0}));
  EXPECT_EQ(c.false_positive, (std::vector<std::int64_t>{1, 1, 0}));
  EXPECT_EQ(c.false_negative, (std::vector<std::int64_t>{0, 1, 1}));
  EXPECT_EQ(count(Labels(4, 255), Labels{0, 1, 2, 1}, 3), Counts(3)) << "nothing is judged";
}

TEST(Counts, AreOf2To255Classes) {
  const Labels last = {254, 1, 0}, two = {0, 1, 1};
  EXPECT_EQ(count(last, last, 255).true_positive[254], 1);
  EXPECT_EQ(count(two, two, 2).true_positive, (std::vector<std::int64_t>{1, 2}));
  for (const int classes : {-1, 0, 1, 256}) EXPECT_THROW(count(two, two, classes), std::invalid_argument) << classes;
}

TEST(Counts, AgreeWithNumpyAndDiceWithMonai) {
  TemporaryFolder folder;
  std::mt19937 random(3);
  Labels truth(40'000), prediction(truth.size());
  std::uniform_int_distribution<int> any(0, 23), even(0, 1);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    truth[i] = static_cast<std::uint8_t>(any(random));                                     // 0 to 23
    prediction[i] = even(random) ? truth[i] : static_cast<std::uint8_t>(any(random) + 2);  // 24, 25: predicted alone
  }
  for (auto& p : prediction) p = p == 5 ? 6 : p;  // 5: in the truth alone; 26, 27: in neither
  for (std::size_t i = 0; i < truth.size(); i += 7) truth[i] = data::kIgnored;
  for (const auto& [name, labels] : {std::pair{"truth", &truth}, std::pair{"prediction", &prediction}})
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(labels->data()), static_cast<std::streamsize>(labels->size()));
  const Said said = run({CROSSFADE_PYTHON, CROSSFADE_TESTS "/dice_reference.py", (folder / "truth").string(),
                         (folder / "prediction").string()});
  ASSERT_EQ(said.status, 0);
  const auto reference = nlohmann::json::parse(said.output);

  const Counts c = count(truth, prediction, data::kClasses);
  const auto d = dice(c);
  for (std::size_t i = 0; i < data::kClasses; ++i) {
    EXPECT_EQ(c.true_positive[i], reference["tp"][i].get<std::int64_t>());
    EXPECT_EQ(c.false_positive[i], reference["fp"][i].get<std::int64_t>());
    EXPECT_EQ(c.false_negative[i], reference["fn"][i].get<std::int64_t>());
    if (i >= 26)
      EXPECT_TRUE(std::isnan(d[i])) << i;  // where MONAI's option says 1
    else
      EXPECT_NEAR(d[i], reference["dice"][i].get<double>(), 1e-6) << i;  // MONAI computes in float32
  }
  EXPECT_EQ(mean_dice(c).left_out, 2);
}

TEST(Counts, OfPartsSumToThoseOfTheWhole) {
  const Labels truth = {0, 1, 2, 27, 27, 3}, prediction = {1, 1, 2, 27, 0, 3};
  Counts sum = count(std::span(truth).first(2), std::span(prediction).first(2), data::kClasses);
  sum += count(std::span(truth).subspan(2), std::span(prediction).subspan(2), data::kClasses);
  EXPECT_EQ(sum, count(truth, prediction, data::kClasses));
}

TEST(Counts, OfUnlikeClassesAreNotAdded) {
  Counts sum;
  sum += Counts{};
  EXPECT_EQ(sum, Counts{});
  sum += Counts(3);
  EXPECT_EQ(sum, Counts(3)) << "empty ones take the size of the others";
  sum += Counts{};
  EXPECT_EQ(sum, Counts(3));
  EXPECT_NE(error_of([&] { sum += Counts(4); }).find("counts of 4 classes are added to those of 3"), std::string::npos);
  EXPECT_THROW(sum += Counts(2), std::invalid_argument);
}

TEST(Counts, RefuseUnequalLengthsAndIdsOutOfRange) {
  const Labels one = {1}, two = {1, 2}, wrong = {1, 28};
  EXPECT_THROW(count(one, two, data::kClasses), std::invalid_argument);
  EXPECT_NE(error_of([&] { count(two, wrong, data::kClasses); }).find("class 28 at voxel 1 of the prediction"),
            std::string::npos);
  EXPECT_NE(error_of([&] { count(wrong, two, data::kClasses); }).find("class 28 at voxel 1 of the truth"),
            std::string::npos);
  const Labels ignored = {1, 255};
  EXPECT_NE(error_of([&] { count(two, ignored, 255); }).find("class 255 at voxel 1 of the prediction"),
            std::string::npos);
  EXPECT_NE(error_of([&] { count(ignored, wrong, 28); }).find("class 28 at voxel 1 of the prediction"),
            std::string::npos)
      << "where nobody has judged, too";
}

TEST(MeanDice, IsZeroWhereNothingIsLeft) {
  EXPECT_EQ(mean_dice(no_counts()).mean, 0);
  EXPECT_EQ(mean_dice(no_counts()).structures, 0);
  EXPECT_EQ(mean_dice(no_counts()).left_out, 27);
  EXPECT_EQ(mean_dice({}).structures, 0);
}

TEST(MeanOverSubjects, LeavesOutASubjectWithoutAnyDice) {
  Counts half = no_counts();  // Dice 2*1 / (2*1 + 2) = 0.5
  half.true_positive[3] = 1;
  half.false_positive[3] = 2;
  Counts whole = no_counts();
  whole.true_positive[4] = 9;
  const std::vector<SubjectCounts> subjects = {{"a", half}, {"b", whole}, {"empty", {}}};
  EXPECT_DOUBLE_EQ(mean_over_subjects(subjects), 0.75);
  EXPECT_TRUE(std::isnan(mean_over_subjects({})));
  EXPECT_EQ(pooled(subjects).true_positive[4], 9);
}

TEST(WorstMedianBest, AreEachThereOnceAndOnlyWithANumber) {
  const auto subjects = [](const std::vector<int>& hits) {  // of 10 voxels; -1: of none
    std::vector<SubjectCounts> all;
    for (const int hit : hits) {
      all.push_back({"s", Counts(2)});
      if (hit < 0) continue;
      all.back().counts.true_positive[1] = hit;
      all.back().counts.false_negative[1] = 10 - hit;
    }
    return all;
  };
  using Places = std::vector<std::size_t>;
  EXPECT_EQ(worst_median_best(subjects({5, 9, 1, 7, 3})), (Places{2, 0, 1}));
  EXPECT_EQ(worst_median_best(subjects({5, 9, 1, 7})), (Places{2, 0, 1})) << "of an even number the lower one";
  EXPECT_EQ(worst_median_best(subjects({-1, 9, 5, -1})), (Places{2, 1}));
  EXPECT_EQ(worst_median_best(subjects({4})), (Places{0}));
  EXPECT_EQ(worst_median_best(subjects({4, 4, 4})), (Places{0, 1, 2})) << "equal ones in their order";
  EXPECT_EQ(worst_median_best(subjects({-1})), Places{});
  EXPECT_EQ(worst_median_best({}), Places{});
}

}  // namespace
}  // namespace crossfade::analysis
