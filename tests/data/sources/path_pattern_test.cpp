#include "data/sources/path_pattern.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

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

/// Files below `root` that match, as "FILE name=value ...".
std::vector<std::string> matches(const fs::path& root, const std::string& pattern) {
  std::vector<std::string> lines;
  for (const MatchedFile& matched : match_pattern(root, pattern).files) {
    lines.push_back(matched.file.lexically_relative(root).string());
    for (const auto& [name, value] : matched.values) lines.back() += " " + name + "=" + value;
  }
  return lines;
}

TEST(PathPattern, FindsTheFilesOfABidsFolder) {
  const TemporaryFolder root;
  put_file(root / "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz");
  put_file(root / "sub-01/ses-b/anat/sub-01_ses-b_run-1_T1w.NII.GZ");
  put_file(root / "sub-01/ses-b/anat/sub-01_ses-b_T2w.nii.gz");
  put_file(root / "sub-02/ses-a/anat/sub-02_ses-a_T1w.nii.gz");
  put_file(root / "sub-02/ses-a/anat/._sub-02_ses-a_T1w.nii.gz");
  put_file(root / "sub-03/anat/sub-03_T1w.nii.gz");
  put_file(root / "derivatives/sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz");
  put_file(root / "sub-04", "a file where others have a folder");
  EXPECT_THAT(matches(root.path, "sub-{subject}/ses-{session}/anat/*_T1w.nii.gz"),
              ElementsAre("sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz session=a subject=01",
                          "sub-01/ses-b/anat/sub-01_ses-b_run-1_T1w.NII.GZ session=b subject=01",
                          "sub-02/ses-a/anat/sub-02_ses-a_T1w.nii.gz session=a subject=02"));
  EXPECT_THAT(matches(root.path, "./sub-{subject}//anat/*"), ElementsAre("sub-03/anat/sub-03_T1w.nii.gz subject=03"));
  EXPECT_THAT(matches(root.path, "derivatives/sub-{subject}/ses-?/anat/sub-{subject}_*_T1w.nii.gz"),
              ElementsAre("derivatives/sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz subject=01"));
  EXPECT_THAT(matches("/", (root / "sub-{subject}/anat/*.nii.gz").string().substr(1)).size(), 1U);
  EXPECT_EQ(match_pattern("", (root / "sub-{subject}/anat/*.nii.gz").string()).files.size(), 1U) << "absolute";
}

TEST(PathPattern, FindsWhatAFoldersOwnerKeepsInAnotherPlace) {
  const TemporaryFolder root;
  put_file(root / "store/s1/mri/T1.mgz");
  put_file(root / "store/blob");
  fs::create_directory(root / "study");
  fs::create_directory_symlink("../store/s1", root / "study/one");
  fs::create_symlink("../store/blob", root / "study/two.nii");
  EXPECT_THAT(matches(root / "study", "{subject}/mri/T1.mgz"), ElementsAre("one/mri/T1.mgz subject=one"));
  EXPECT_THAT(matches(root / "study", "{subject}.nii"), ElementsAre("two.nii subject=two"));
  EXPECT_THAT(matches(root / "study", "../store/{subject}/mri/T1.MGZ"),
              ElementsAre("../store/s1/mri/T1.mgz subject=s1"));
}

TEST(PathPattern, TakesEndingsInCapitalsOrNotButNothingElse) {
  const TemporaryFolder root;
  for (const char* name : {"a_T1.nii", "b_T1.NII", "c_t1.nii", "d_T1.Nii.gz", "e_T1.png"}) put_file(root / name);
  EXPECT_THAT(matches(root.path, "{subject}_T1.nii"), ElementsAre("a_T1.nii subject=a", "b_T1.NII subject=b"));
  EXPECT_THAT(matches(root.path, "{subject}_T1.nii*"),
              ElementsAre("a_T1.nii subject=a", "b_T1.NII subject=b", "d_T1.Nii.gz subject=d"));
  EXPECT_THAT(matches(root.path, "{subject}_T1.PNG"), ElementsAre("e_T1.png subject=e"));
}

TEST(PathPattern, CountsACharacterOfUtf8AsOne) {
  const TemporaryFolder root;
  put_file(root / "a\u00e9.nii");
  put_file(root / "ab.nii");
  put_file(root / "abc.nii");
  EXPECT_THAT(matches(root.path, "{subject}?.nii"),
              testing::UnorderedElementsAre("a\u00e9.nii subject=a", "ab.nii subject=a", "abc.nii subject=ab"));
}

// subject_sources.py translates patterns into regular expressions with lazy groups and back references.
TEST(PathPattern, MatchesWhatPythonsRegularExpressionsMatch) {
  const TemporaryFolder root;
  const std::string command =
      std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/subject_sources.py patterns " + root.path.string();
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream in(root / "patterns.json");
  const auto expected = nlohmann::json::parse(in);
  ASSERT_EQ(expected.size(), 6U);
  for (const auto& [pattern, files] : expected.get<std::vector<std::pair<std::string, nlohmann::json>>>()) {
    std::map<std::string, PlaceholderValues> wanted, found;
    for (const auto& file : files) wanted[file.at(0)] = file.at(1);
    for (const MatchedFile& matched : match_pattern(root.path, pattern).files)
      found[matched.file.lexically_relative(root.path).string()] = matched.values;
    EXPECT_GT(wanted.size(), 5U) << pattern;
    EXPECT_EQ(found, wanted) << pattern;
  }
}

TEST(PathPattern, RefusesANameThatCouldBeDividedInTwoWays) {
  const TemporaryFolder root;
  put_file(root / "site_001_1.nii");
  EXPECT_THAT(error_of([&] { match_pattern(root.path, "{subject}_{session}.nii"); }),
              AllOf(HasSubstr("site_001_1.nii"), HasSubstr("{session} = '001_1', {subject} = 'site'"),
                    HasSubstr("{session} = '1', {subject} = 'site_001'")));
  EXPECT_THAT(matches(root.path, "site_{subject}_{session}.nii"), ElementsAre("site_001_1.nii session=1 subject=001"));
  EXPECT_THAT(matches(root.path, "{subject}_*.nii"), ElementsAre("site_001_1.nii subject=site"))
      << "a placeholder takes as little as it can";
}

TEST(PathPattern, SaysWhichComponentMatchesNothing) {
  const TemporaryFolder root;
  put_file(root / "sub-01/anat/x_T1w.nii.gz");
  put_file(root / "sub-02/func/x_bold.nii.gz");
  const auto error = [&](const std::string& pattern) { return error_of([&] { match_pattern(root.path, pattern); }); };
  EXPECT_THAT(error("images/{subject}.nii"), AllOf(HasSubstr("'images/{subject}.nii'"),
                                                   HasSubstr("no folder matches 'images' in " + root.path.string())));
  EXPECT_THAT(error("sub-{subject}/ses-{session}/*.nii"),
              AllOf(HasSubstr("no folder matches 'ses-{session}'"),
                    HasSubstr("any of 2 folders such as " + (root / "sub-01").string())));
  EXPECT_THAT(error("sub-{subject}/anat/*_T2w.nii.gz"),
              AllOf(HasSubstr("no file matches '*_T2w.nii.gz'"), HasSubstr((root / "sub-01/anat").string())));
  EXPECT_THAT(error_of([&] { match_pattern(root / "none", "{subject}.nii"); }),
              AllOf(HasSubstr((root / "none").string()), HasSubstr("no such folder")));
}

TEST(PathPattern, RefusesLinksToNothingAndFoldersNamedLikeFiles) {
  const TemporaryFolder root;
  put_file(root / "a.nii");
  fs::create_symlink("gone.nii", root / "b.nii");
  EXPECT_THAT(error_of([&] { match_pattern(root.path, "{subject}.nii"); }),
              AllOf(HasSubstr("b.nii"), HasSubstr("is a link to gone.nii")));
  fs::remove(root / "b.nii");
  fs::create_directory(root / "c.nii");
  EXPECT_THAT(error_of([&] { match_pattern(root.path, "{subject}.nii"); }), HasSubstr("c.nii: is no file"));
  fs::create_symlink("away", root / "d");
  put_file(root / "e/T1.mgz");
  EXPECT_THAT(error_of([&] { match_pattern(root.path, "{subject}/T1.mgz"); }), HasSubstr("d: is a link to away"));
}

TEST(PathPattern, RefusesPatternsThatCannotSayWhoASubjectIs) {
  EXPECT_THAT(path_pattern_fault("images/*.nii"), AllOf(HasSubstr("'images/*.nii'"), HasSubstr("has no {subject}")));
  EXPECT_THAT(path_pattern_fault(""), HasSubstr("has no {subject}"));
  EXPECT_THAT(path_pattern_fault("{subject}{session}.nii"), HasSubstr("no text between {subject} and {session}"));
  EXPECT_THAT(path_pattern_fault("{subject}*.nii"), HasSubstr("no text between {subject} and *"));
  EXPECT_THAT(path_pattern_fault("{subject}?{run}.nii"), HasSubstr("no text between {subject} and {run}"));
  EXPECT_THAT(path_pattern_fault("**/{subject}.nii"), HasSubstr("there is no **"));
  EXPECT_THAT(path_pattern_fault("{subject.nii"), HasSubstr("'{' without its '}'"));
  EXPECT_THAT(path_pattern_fault("subject}.nii"), HasSubstr("'}' without its '{'"));
  EXPECT_THAT(path_pattern_fault("{a,b}/{subject}.nii"), HasSubstr("'{a,b}'"));
  EXPECT_THAT(path_pattern_fault("{subject}/"), HasSubstr("ends in '/'"));
  EXPECT_THAT(path_pattern_fault("{subject}/{subject}_{run_2}?.nii"), IsEmpty());
  EXPECT_THROW(match_pattern("", "*.nii"), std::invalid_argument);
}

}  // namespace
}  // namespace crossfade::data
