#include "data/sources/csv.hpp"

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

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Fields = std::vector<std::string>;

TEST(Csv, ReadsWhatPythonWrites) {
  const TemporaryFolder folder;
  const std::string command =
      std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/subject_sources.py csv " + folder.path.string();
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream in(folder / "csv.json");
  const auto expected = nlohmann::json::parse(in).get<std::vector<std::vector<Fields>>>();
  ASSERT_EQ(expected.size(), 6U);
  for (std::size_t n = 0; n < expected.size(); ++n) {
    std::vector<Fields> found;
    for (const CsvRow& row : read_csv(folder / (std::to_string(n) + ".csv"))) found.push_back(row.fields);
    EXPECT_EQ(found, expected[n]) << n << ".csv";
  }
}

TEST(Csv, CountsLinesAsAnEditorDoes) {
  const TemporaryFolder folder;
  const auto rows = read_csv(put_file(folder / "t.csv", "a,b\r\n\r\n\"1\r\n2\",3\n\n4,5\r6,\"\""));
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[1].line, 3U);
  EXPECT_EQ(rows[1].fields, (Fields{"1\r\n2", "3"}));
  EXPECT_EQ(rows[2].line, 6U);
  EXPECT_EQ(rows[3].line, 7U);
  EXPECT_EQ(rows[3].fields, (Fields{"6", ""}));
}

TEST(Csv, TakesTheSeparatorFromTheHeader) {
  const TemporaryFolder folder;
  const auto header = [&](const std::string& text) {
    return read_csv(put_file(folder / "t.csv", text)).front().fields;
  };
  EXPECT_THAT(header("a,b c"), ElementsAre("a", "b c"));
  EXPECT_THAT(header("a;b,c\n1;2\t3"), ElementsAre("a", "b,c"));
  EXPECT_THAT(header("a\tb;c,d\n"), ElementsAre("a", "b;c,d"));
  EXPECT_THAT(header("a,\"b;c\td\"\n"), ElementsAre("a", "b;c\td"));
}

TEST(Csv, RefusesWhatIsNoTableByLine) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& text) {
    return error_of([&] { read_csv(put_file(folder / "t.csv", text)); });
  };
  EXPECT_THAT(error("a,b\n1,2\n3\n"), AllOf(HasSubstr("t.csv: line 3 has 1 fields"), HasSubstr("expected 2")));
  EXPECT_THAT(error("a,b\n1,2,3\n"), HasSubstr("line 2 has 3 fields"));
  EXPECT_THAT(error("a,b\n1,\"2\n3,4\n"), HasSubstr("line 2 has a quote that is not closed"));
  EXPECT_THAT(error("a,b\n1,2\"\"\n"), HasSubstr("line 2 has a quote inside a field"));
  EXPECT_THAT(error("a,b\n1,\"2\" \n"), HasSubstr("line 2 has text behind a closing quote"));
  EXPECT_THAT(error(""), HasSubstr("is empty"));
  EXPECT_THAT(error("\n\n"), HasSubstr("is empty"));
  EXPECT_THAT(error("\xFF\xFE"), HasSubstr("UTF-16"));
  EXPECT_THAT(error_of([&] { read_csv(folder / "none.csv"); }), HasSubstr("none.csv: no such file"));
}

}  // namespace
}  // namespace crossfade::data
