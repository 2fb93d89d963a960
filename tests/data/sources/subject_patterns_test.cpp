#include "data/sources/subject_patterns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/data/sources/put_file.hpp"
#include "tests/error_of.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names(const SubjectList& list) {
  std::vector<std::string> names;
  for (const ListedSubject& subject : list.subjects) names.push_back(subject.name);
  return names;
}

TEST(SubjectPatterns, MakeEachSessionASubjectOfItsPerson) {
  const TemporaryFolder root;
  for (const char* scan : {"sub-02/ses-1", "sub-01/ses-2", "sub-01/ses-1"}) {
    put_file(root.path / scan / "anat" / "x_T1w.nii.gz");
    put_file(root.path / "derivatives/people" / scan / "anat" / "y_dseg.nii.gz");
  }
  const SubjectList list =
      subjects_by_pattern(root.path, {.images = {"sub-{subject}/ses-{session}/anat/*_T1w.nii.gz"},
                                      .labels = "derivatives/people/sub-{subject}/ses-{session}/anat/*_dseg.nii.gz",
                                      .automatic_labels = {}});
  EXPECT_THAT(names(list), ElementsAre("01_1", "01_2", "02_1"));
  EXPECT_EQ(list.subjects[1].person, "01");
  EXPECT_EQ(list.subjects[1].part, "");
  EXPECT_THAT(list.subjects[1].images, ElementsAre(root / "sub-01/ses-2/anat/x_T1w.nii.gz"));
  EXPECT_EQ(list.subjects[1].labels, root / "derivatives/people/sub-01/ses-2/anat/y_dseg.nii.gz");
  EXPECT_EQ(list.subjects[1].automatic_labels, "");
  EXPECT_THAT(list.left_out, IsEmpty());
}

TEST(SubjectPatterns, LeaveOutWhoLacksAFileAndSayWhatIsMissing) {
  const TemporaryFolder root;
  for (const char* file :
       {"t1/a.nii", "t1/b.nii", "t1/c.nii", "flair/a.nii", "flair/b.nii", "seg/a.nii", "seg/c.nii", "seg/d.nii"})
    put_file(root / file);
  const SubjectPatterns patterns{
      .images = {"t1/{subject}.nii", "flair/{subject}.nii"}, .labels = {}, .automatic_labels = "seg/{subject}.nii"};
  const SubjectList list = subjects_by_pattern(root.path, patterns);
  ASSERT_THAT(names(list), ElementsAre("a"));
  EXPECT_THAT(list.subjects[0].images, ElementsAre(root / "t1/a.nii", root / "flair/a.nii"));
  EXPECT_EQ(list.subjects[0].labels, "");
  EXPECT_EQ(list.subjects[0].automatic_labels, root / "seg/a.nii");
  EXPECT_THAT(list.left_out,
              ElementsAre("b: no file matches 'seg/{subject}.nii'; it has " + (root / "t1/b.nii").string(),
                          "c: no file matches 'flair/{subject}.nii'; it has " + (root / "t1/c.nii").string(),
                          "d: no file matches 't1/{subject}.nii', nor 'flair/{subject}.nii'; it has " +
                              (root / "seg/d.nii").string()));
  fs::remove(root / "flair/a.nii");
  EXPECT_THAT(error_of([&] { subjects_by_pattern(root.path, patterns); }), HasSubstr("no subject has all its files"));
}

TEST(SubjectPatterns, PairByThePlaceholdersThatAllHave) {
  const TemporaryFolder root;
  put_file(root / "images/a/2019/x.nii");
  put_file(root / "images/b/2020/x.nii");
  put_file(root / "labels/a.nii");
  put_file(root / "labels/b.nii");
  const SubjectPatterns patterns{
      .images = {"images/{subject}/{session}/x.nii"}, .labels = "labels/{subject}.nii", .automatic_labels = {}};
  const SubjectList list = subjects_by_pattern(root.path, patterns);
  ASSERT_THAT(names(list), ElementsAre("a_2019", "b_2020"));
  EXPECT_EQ(list.subjects[1].labels, root / "labels/b.nii");
  put_file(root / "images/b/2021/x.nii");
  EXPECT_THAT(
      error_of([&] { subjects_by_pattern(root.path, patterns); }),
      AllOf(HasSubstr((root / "images/b/2020/x.nii").string() + " and " + (root / "images/b/2021/x.nii").string()),
            HasSubstr("the same {subject}")))
      << "one label map of two images: whose?";
}

TEST(SubjectPatterns, LeaveOutChannelsOfTwoSessions) {
  const TemporaryFolder root;
  for (const char* file : {"t1/a_1.nii", "t1/b_1.nii", "flair/a_1.nii", "flair/b_2.nii", "seg/a.nii", "seg/b.nii"})
    put_file(root / file);
  const SubjectList list =
      subjects_by_pattern(root.path, {.images = {"t1/{subject}_{session}.nii", "flair/{subject}_{session}.nii"},
                                      .labels = "seg/{subject}.nii",
                                      .automatic_labels = {}});
  EXPECT_THAT(names(list), ElementsAre("a_1"));
  EXPECT_THAT(list.left_out,
              ElementsAre("b_1: {session} is '1' in one file and '2' in " + (root / "flair/b_2.nii").string()));
}

TEST(SubjectPatterns, RefuseTwoFilesOfOneSubject) {
  const TemporaryFolder root;
  put_file(root / "a.nii");
  put_file(root / "a.nii.gz");
  EXPECT_THAT(error_of([&] {
                subjects_by_pattern(root.path, {{"{subject}.nii*"}, {}, {}});
              }),
              HasSubstr((root / "a.nii").string() + " and " + (root / "a.nii.gz").string()));
  put_file(root / "x/1.mgz");
  put_file(root / "y/1.mgz");
  EXPECT_THAT(error_of([&] {
                subjects_by_pattern(root.path, {{"{site}/{subject}.mgz"}, {}, {}});
              }),
              AllOf(HasSubstr("subject '1' is there twice"), HasSubstr((root / "x/1.mgz").string()),
                    HasSubstr((root / "y/1.mgz").string())));
}

TEST(SubjectPatterns, GiveAFileToThePatternThatSaysMostAboutIt) {
  const TemporaryFolder root;
  for (const char* file : {"a.nii", "a_seg.nii", "a_flair.nii", "b.nii", "b_seg.nii", "b_flair.nii"})
    put_file(root / file);
  const SubjectList list = subjects_by_pattern(
      root.path,
      {.images = {"{subject}.nii", "{subject}_flair.nii"}, .labels = "{subject}_seg.nii", .automatic_labels = {}});
  ASSERT_THAT(names(list), ElementsAre("a", "b"));
  EXPECT_THAT(list.subjects[0].images, ElementsAre(root / "a.nii", root / "a_flair.nii"));
  EXPECT_EQ(list.subjects[0].labels, root / "a_seg.nii");
  const SubjectPatterns alike{.images = {"{subject}_?eg.nii"}, .labels = "{subject}_s?g.nii", .automatic_labels = {}};
  EXPECT_THAT(error_of([&] { subjects_by_pattern(root.path, alike); }),
              AllOf(HasSubstr("a_seg.nii"), HasSubstr("matches both '{subject}_?eg.nii' and '{subject}_s?g.nii'")));
}

TEST(SubjectPatterns, MayBeOfLabelsAlone) {
  const TemporaryFolder root;
  put_file(root / "a/mri/aseg.mgz");
  const SubjectList list =
      subjects_by_pattern(root.path, {.images = {}, .labels = "{subject}/mri/aseg.mgz", .automatic_labels = {}});
  ASSERT_THAT(names(list), ElementsAre("a"));
  EXPECT_THAT(list.subjects[0].images, IsEmpty());
  EXPECT_EQ(list.subjects[0].labels, root / "a/mri/aseg.mgz");
  EXPECT_THROW(subjects_by_pattern(root.path, {}), std::invalid_argument);
}

}  // namespace
}  // namespace crossfade::data
