#include "data/cohorts/remarks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossfade::data {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SubjectNotes subject(const std::string& name) {
  SubjectNotes notes;
  notes.subject = name;
  notes.labels.emplace_back();
  notes.labels[0].kind = "labels";
  notes.labels[0].table = "freesurfer";
  notes.labels[0].placement.labelled = 1000;
  return notes;
}

std::vector<std::string> texts_of(const std::vector<SubjectNotes>& subjects, bool doubtful = true) {
  std::vector<std::string> texts;
  for (const Remark& remark : remarks_on(subjects)) {
    texts.push_back(remark.text);
    EXPECT_EQ(remark.doubtful, doubtful) << remark.text;
  }
  return texts;
}

TEST(Remarks, AreNoneOnAWellFormedCohort) {
  SubjectNotes one = subject("s1");
  one.image.transforms_mm = 0.09;  // rounding
  one.labels[0].placement.outside = 9;
  EXPECT_THAT(texts_of({one, subject("s2")}), IsEmpty());
}

TEST(Remarks, AreOneLineACohortWithTheRangeAndTheWorstByName) {
  SubjectNotes one = subject("s1"), two = subject("s2"), three = subject("s3");
  one.image.transforms_mm = 0.5;
  two.labels[0].reading.transforms_mm = 12.25;
  two.image.not_finite = 5;
  three.image.not_finite = 123;
  two.labels[0].reading.rounded = 7;
  two.labels[0].reading.rounding = 3.8e-4;
  EXPECT_THAT(
      texts_of({one, two, three}),
      ElementsAre("qform and sform differ in 2 of 6 files, by 0.5 to 12.2 mm, most in s2 (labels): the sform is taken",
                  "images have voxels that are not finite, which are 0 now, in 2 of 3 subjects: 5 to 123 voxels, most "
                  "in s3",
                  "values that were nearly integers are rounded in 1 of 3 label maps, by at most 0.00038, most in s2 "
                  "(labels): save labels as integers"));
}

TEST(Remarks, NameEveryoneWhoseLabelsLieOffTheImageFromOnePerCentOn) {
  SubjectNotes one = subject("s1"), two = subject("s2"), three = subject("s3");
  one.labels[0].placement.outside = 10;
  two.labels[0].placement.outside = 4;
  two.labels[0].placement.on_background = 116;
  three.labels[0].placement.negative = 333;
  EXPECT_THAT(
      texts_of({one, two, three}),
      ElementsAre("labelled voxels lie outside the image or on its background in 2 of 3 label maps: s2 (labels) "
                  "(12 %), s1 (labels) (1 %)",
                  "labelled voxels lie on negative intensities, which become 0, in 1 of 3 label maps: s3 "
                  "(labels) (33.3 %); expected images that count from 0 upwards, or intensity: zscore, ct or none"));
}

TEST(Remarks, TellOfIdsWithTheRangeOverSubjects) {
  SubjectNotes one = subject("s1"), two = subject("s2");
  one.labels[0].unnamed = {{502, 10}, {506, 3}};
  two.labels[0].unnamed = {{502, 40}};
  two.labels[0].cut = {{2, 6}};
  EXPECT_THAT(texts_of({one, two, subject("s3")}, false),
              ElementsAre("labels: not named by label table freesurfer, so class 0, in 2 of 3 subjects, 1 to 2 ids a "
                          "subject: 502 (10 to 40 voxels), 506 (3 voxels)",
                          "labels: outside the field of view of 256 mm, in 1 of 3 subjects, 1 id a subject: 2 (6 "
                          "voxels)"));
}

}  // namespace
}  // namespace crossfade::data
