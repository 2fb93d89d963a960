#include "runner/evaluation/pictures.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "analysis/figures/slice_drawing.hpp"
#include "analysis/results/folder.hpp"
#include "tests/runner/trial/small_trial.hpp"
#include "tests/runner/world_of_one.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

using Volume = std::vector<std::uint8_t>;

/// Two pixels a slice; `different` of them are wrong in each slice of truth 1 1.
Volume said(const std::vector<int>& different) {
  Volume volume;
  for (const int wrong : different)
    volume.insert(volume.end(), {wrong > 0 ? Volume::value_type{2} : Volume::value_type{1},
                                 wrong > 1 ? Volume::value_type{2} : Volume::value_type{1}});
  return volume;
}

TEST(SlicesThatDiffer, AreThoseWithMostPixelsWrongAndRise) {
  const Volume truth(10, 1);
  EXPECT_THAT(slices_that_differ(truth, said({0, 1, 0, 2, 1}), 2, 2), ElementsAre(1, 3));
  EXPECT_THAT(slices_that_differ(truth, said({0, 1, 0, 2, 1}), 2, 9), ElementsAre(1, 3, 4));
}

TEST(SlicesThatDiffer, AreNotNextToOneAnother) {
  const Volume truth(40, 1);  // 20 slices: more than 2 apart
  std::vector<int> wrong(20, 0);
  wrong[9] = wrong[10] = wrong[12] = 2;
  wrong[11] = wrong[13] = 1;
  EXPECT_THAT(slices_that_differ(truth, said(wrong), 2, 3), ElementsAre(9, 12));
}

TEST(SlicesThatDiffer, AreTheMostLabelledOneWhereNothingDiffers) {
  EXPECT_THAT(slices_that_differ(Volume{0, 0, 0, 1, 1, 1}, Volume{0, 0, 0, 1, 1, 1}, 2, 3), ElementsAre(2));
  EXPECT_THAT(slices_that_differ(Volume{0, 0, 255, 255, 1, 0}, Volume{0, 0, 1, 1, 1, 0}, 2, 3), ElementsAre(2))
      << "what nobody judged doesn't differ";
}

/// Subjects case-0 to case-4; of the truth of subject n, which has 4 classes, so many slices are found.
class Pictures : public testing::Test {
 protected:
  Pictures() {
    for (int n = 0; n < 5; ++n) {
      const fs::path file = folder_.path / ("case-" + std::to_string(n) + ".h5");
      data::write_shard(file, block_shard("case-" + std::to_string(n), n, 6));
      shards_.emplace_back(file);
    }
  }

  Volume predict(std::size_t s) const {
    static constexpr std::array<int, 5> kFound = {3, 5, 1, 4, 2};
    Volume volume = block_shard("", static_cast<int>(s), 6).labels;
    std::fill(volume.begin() + kFound[s] * kSide * kSide, volume.end(), std::uint8_t{0});
    return volume;
  }

  static std::vector<std::string> names(const fs::path& folder) {
    std::vector<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file()) all.push_back(fs::relative(entry.path(), folder).string());
    return all;
  }

  std::string text_of(const std::string& subject) const {
    std::ifstream in(analysis::picture_file(folder_.path / "pictures", hash_, subject));
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  TemporaryFolder folder_;
  std::vector<data::Shard> shards_;
  Group group_ = group_of_one();
  const PredictVolume predict_ = [this](std::size_t s) { return predict(s); };
  const std::string hash_ = "0123456789abcdef" + std::string(48, '7');
};

TEST_F(Pictures, AreOfTheWorstTheMedianAndTheBestSubject) {
  const auto scores = score_volumes(shards_, group_, predict_).counts;
  draw_subjects(shards_, scores, group_, predict_, folder_.path / "pictures", hash_);
  EXPECT_THAT(names(folder_.path / "pictures"),
              UnorderedElementsAre("0123456789abcdef/case-2.svg", "0123456789abcdef/case-0.svg",
                                   "0123456789abcdef/case-1.svg"));
  const std::string worst = text_of("case-2"), best = text_of("case-1");
  EXPECT_THAT(worst, StartsWith("<svg xmlns="));
  EXPECT_THAT(worst, Not(HasSubstr("case-2"))) << "a picture does not say whose it is";
  EXPECT_THAT(worst, AllOf(HasSubstr(analysis::kMissedColour), Not(HasSubstr(">slice 0<")))) << "that one was found";
  EXPECT_THAT(best, AllOf(Not(HasSubstr(analysis::kMissedColour)), HasSubstr(">slice 4<"), Not(HasSubstr(">slice 3<"))))
      << "where nothing differs, one slice with many labels";
}

TEST_F(Pictures, AreNotDrawnWithoutAFolderOrSubjects) {
  draw_subjects(shards_, score_volumes(shards_, group_, predict_).counts, group_, predict_, {}, hash_);
  draw_subjects({}, {}, group_, predict_, folder_.path / "pictures", hash_);
  EXPECT_FALSE(fs::exists(folder_.path / "pictures"));
}

}  // namespace
}  // namespace crossfade::runner
