#include "data/sources/subject_table.hpp"

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

/// A folder with scans, and tables beside them.
class SubjectTable : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* file : {"a_T1.nii", "a_FLAIR.nii", "a_seg.nii", "b_T1.nii", "b_FLAIR.nii", "b, seg.nii"})
      put_file(folder_.path / "scans" / file);
  }
  SubjectList read(const std::string& text) const { return read_subject_table(put_file(folder_ / "table.csv", text)); }
  std::string error(const std::string& text) const {
    return error_of([&] { read(text); });
  }
  TemporaryFolder folder_;
};

TEST_F(SubjectTable, SaysWhichFilesAreWhose) {
  const SubjectList list = read(
      "site,labels,subject,image_T1,image_FLAIR,automatic_labels,part,person\n"
      "x,\"scans/b, seg.nii\",two,scans/b_T1.nii,scans/b_FLAIR.nii,scans/a_seg.nii,test,\n"
      "y,./scans/a_seg.nii,one," +
      (folder_ / "scans/a_T1.nii").string() + ",scans/a_FLAIR.nii,scans/a_seg.nii,train,anna\n");
  ASSERT_EQ(list.subjects.size(), 2U);
  EXPECT_THAT(list.left_out, IsEmpty());
  const ListedSubject &one = list.subjects[0], &two = list.subjects[1];
  EXPECT_EQ(one.name, "one");
  EXPECT_THAT(one.images, ElementsAre(folder_ / "scans/a_T1.nii", folder_ / "scans/a_FLAIR.nii"));
  EXPECT_EQ(one.labels, folder_ / "scans/a_seg.nii");
  EXPECT_EQ(one.automatic_labels, folder_ / "scans/a_seg.nii");
  EXPECT_EQ(one.part, "train");
  EXPECT_EQ(one.person, "anna");
  EXPECT_EQ(two.name, "two");
  EXPECT_EQ(two.labels, folder_ / "scans/b, seg.nii");
  EXPECT_EQ(two.part, "test");
  EXPECT_EQ(two.person, "two") << "an empty field: the subject itself";
}

TEST_F(SubjectTable, TakesChannelsInTheOrderOfColumns) {
  const SubjectList list = read("subject;image2;labels;image\na;scans/a_FLAIR.nii;scans/a_seg.nii;scans/a_T1.nii\n");
  EXPECT_THAT(list.subjects.at(0).images, ElementsAre(folder_ / "scans/a_FLAIR.nii", folder_ / "scans/a_T1.nii"));
  EXPECT_THAT(read("subject\timagery\timage\na\tnot.nii\tscans/a_T1.nii\n").subjects.at(0).images,
              ElementsAre(folder_ / "scans/a_T1.nii"));
}

TEST_F(SubjectTable, LeavesOutWhoLacksAFile) {
  const std::string text =
      "subject,image,labels\n"
      "a,scans/a_T1.nii,scans/a_seg.nii\n"
      "c,,\n"
      "b,scans/b_T1.nii,\n";
  const SubjectList list = read(text);
  ASSERT_EQ(list.subjects.size(), 1U);
  EXPECT_EQ(list.subjects[0].name, "a");
  EXPECT_THAT(list.left_out, ElementsAre("b: labels is empty in line 4", "c: image, labels is empty in line 3"));
  EXPECT_THAT(error("subject,image,labels\nb,scans/b_T1.nii,\n"), HasSubstr("no subject has all its files"));
  EXPECT_THAT(error("subject,image\n"), HasSubstr("names no subject"));
}

TEST_F(SubjectTable, RefusesFilesThatAreNotThereByLineAndColumn) {
  EXPECT_THAT(error("subject,image\na,scans/a_T1.nii\nb,scans/none.nii\n"),
              AllOf(HasSubstr("table.csv: line 3, column image: "), HasSubstr("scans/none.nii: no such file")));
  EXPECT_THAT(error("subject,image\na,scans\n"), HasSubstr("is no file"));
  fs::create_symlink("away.nii", folder_ / "link.nii");
  EXPECT_THAT(error("subject,image\na,link.nii\n"), HasSubstr("is a link to away.nii"));
}

TEST_F(SubjectTable, RefusesColumnsAndRowsThatContradictEachOther) {
  EXPECT_THAT(error("name,image\na,scans/a_T1.nii\n"), HasSubstr("no column subject, but 'name', 'image'"));
  EXPECT_THAT(error("subject,label\na,scans/a_T1.nii\n"), HasSubstr("no column image, labels or automatic_labels"));
  EXPECT_THAT(error("subject,image,image\na,b,c\n"), HasSubstr("column image is there twice"));
  EXPECT_THAT(error("subject,image\na,scans/a_T1.nii\n\na,scans/b_T1.nii\n"),
              HasSubstr("line 4, column subject: 'a' is there already, in line 2"));
  EXPECT_THAT(error("subject,image\n,scans/a_T1.nii\n"),
              HasSubstr("line 2, column subject: a subject has an empty name"));
  EXPECT_THAT(error("subject,image\nx/a,scans/a_T1.nii\n"), HasSubstr("'x/a'"));
  EXPECT_THAT(error("subject,image\na,scans/a_T1.nii\nb,scans/a_T1.nii\n"),
              AllOf(HasSubstr("a_T1.nii is the image of subject 'a' and of subject 'b'")));
  EXPECT_EQ(read("subject,image,person\na,scans/a_T1.nii,p\nb,scans/a_T1.nii,p\n").subjects.size(), 2U)
      << "one person's scan with the labels of two people";
}

TEST_F(SubjectTable, HasPartsInEveryRowOrInNone) {
  EXPECT_THAT(error("subject,image,part\na,scans/a_T1.nii,val\n"),
              AllOf(HasSubstr("line 2, column part: 'val'"), HasSubstr("expected train, validation, test or nothing")));
  EXPECT_THAT(error("subject,image,part\na,scans/a_T1.nii,train\nb,scans/b_T1.nii,\n"),
              AllOf(HasSubstr("line 3, column part: is empty"), HasSubstr("line 2 it says train")));
  EXPECT_THAT(error("subject,image,part\na,scans/a_T1.nii,\nb,scans/b_T1.nii,test\n"),
              AllOf(HasSubstr("line 3, column part: says test"), HasSubstr("line 2 it is empty")));
  EXPECT_EQ(read("subject,image,part\na,scans/a_T1.nii,\nb,scans/b_T1.nii,\n").subjects.at(1).part, "");
  EXPECT_EQ(read("subject,image,part\na,scans/a_T1.nii,validation\n").subjects.at(0).part, "validation");
}

TEST_F(SubjectTable, KeepsAPersonInOnePart) {
  EXPECT_THAT(error("subject,person,image,part\na,p,scans/a_T1.nii,train\nb,p,scans/b_T1.nii,test\n"),
              HasSubstr("line 3, column part: person 'p' is in test, but in line 2 in train"));
  EXPECT_EQ(read("subject,person,image,part\na,p,scans/a_T1.nii,test\nb,p,scans/b_T1.nii,test\n").subjects.size(), 2U);
}

}  // namespace
}  // namespace crossfade::data
