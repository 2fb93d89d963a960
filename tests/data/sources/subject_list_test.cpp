#include "data/sources/subject_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/data/sources/put_file.hpp"
#include "tests/error_of.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ListedSubject subject(const std::string& name, const std::vector<std::filesystem::path>& images) {
  return {.name = name, .images = images, .labels = {}, .automatic_labels = {}, .part = {}, .person = name};
}

std::string fault(SubjectList list) {
  return error_of([&] { finish(list, "source"); });
}

TEST(SubjectList, IsSortedByNameInTheEnd) {
  SubjectList list{{subject("b", {"1"}), subject("a", {"2"})}, {"d: x", "c: y"}};
  finish(list, "source");
  EXPECT_EQ(list.subjects[0].name, "a");
  EXPECT_EQ(list.subjects[1].name, "b");
  EXPECT_THAT(list.left_out, ElementsAre("c: y", "d: x"));
}

TEST(SubjectList, RefusesSubjectsThatContradictEachOther) {
  EXPECT_THAT(fault({{subject("a", {"1"}), subject("b", {"3"}), subject("a", {"2"})}, {}}),
              AllOf(HasSubstr("source: subject 'a' is there twice"), HasSubstr("with 1 and with 2")));
  EXPECT_THAT(fault({{subject("a", {"1"}), subject("b", {"x/../1"})}, {}}),
              HasSubstr("subject 'a' and of subject 'b'"));
  EXPECT_THAT(fault({{subject("a", {"1"}), subject("b", {"2", "3"})}, {}}),
              HasSubstr("'a' has 1 files of images and subject 'b' has 2"));
  EXPECT_THAT(fault({{subject("a\nb", {"1"})}, {}}), HasSubstr("control character"));
}

TEST(SubjectList, NamesWhoIsLeftOutWhereThatIsRefused) {
  const std::vector<std::string> out = {"c: 1", "d: 2", "e: 3", "f: 4", "g: 5", "h: 6", "i: 7"};
  EXPECT_EQ(fault({{subject("a", {"1"})}, out}), "no error");
  EXPECT_THAT(error_of([&] {
                require_complete({{subject("a", {"1"})}, out}, "source");
              }),
              AllOf(HasSubstr("7 of 8 subjects cannot be used: c: 1; d: 2;"), HasSubstr("g: 5; and 2 more"),
                    Not(HasSubstr("h: 6"))));
  EXPECT_NO_THROW(require_complete({{subject("a", {"1"})}, {}}, "source"));
  EXPECT_THAT(fault({{}, {"c: 1"}}), HasSubstr("no subject has all its files: c: 1"));
}

TEST(SubjectList, TellsAFileFromNothingAndRefusesWhatIsNeither) {
  const TemporaryFolder folder;
  EXPECT_TRUE(is_file(put_file(folder / "there")));
  EXPECT_FALSE(is_file(folder / "none"));
  EXPECT_FALSE(is_file(folder / "none/none"));
  EXPECT_THAT(error_of([&] { is_file(folder.path); }), HasSubstr("is no file"));
  std::filesystem::create_symlink("away", folder / "link");
  EXPECT_THAT(error_of([&] { is_file(folder / "link"); }), HasSubstr("link: is a link to away"));
}

}  // namespace
}  // namespace crossfade::data
