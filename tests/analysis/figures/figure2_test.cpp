// Figure 2 of few structures and of many.
#include "analysis/figures/figure2.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::HasSubstr;

/// A study of `structures` structures, named "S1" and so on unless `names` has other ones, with two stages.
void write_study(const std::filesystem::path& file, int structures, const std::vector<std::string>& names = {}) {
  StudyRecord study = study_record("of " + std::to_string(structures));
  study.classes = {{"background"}, {0}};
  for (int c = 1; c <= structures; ++c) {
    const auto i = static_cast<std::size_t>(c - 1);
    study.classes.names.push_back(i < names.size() ? names[i] : "S" + std::to_string(c));
    study.classes.left_twin.push_back(static_cast<std::uint8_t>(c));
  }
  TrialRecord trial = trial_record("v", 1);
  trial.stages.push_back(trial.stages[0]);
  trial.stages[1].name = "finetune";
  trial.stages[1].hash += " tuned";
  ResultsDatabase db(file);
  const auto id = db.begin(study, provenance(), {trial})[0].id;
  std::vector<SubjectCounts> test;
  for (std::int64_t i = 0; i < 12; ++i) {
    test.push_back({"s" + std::to_string(i), Counts(structures + 1)});
    for (std::int64_t& count : test.back().counts.true_positive) count = 10;
    for (std::int64_t& count : test.back().counts.false_positive) count = i;
  }
  for (const int stage : {0, 1})
    db.record_stage(id,
                    {.stage = stage, .best_epoch = 1, .best_dice = 0.5, .stopped = "", .validation = {}, .test = test});
  db.set_finished(id);
}

/// What an SVG shows, in pixels.
struct Page {
  double width = 0, height = 0;
  struct Row {
    std::string name;
    double y = 0;                    // of its upper edge
    std::vector<double> box_widths;  // of each side
  };
  std::vector<Row> rows;
};

Page page_of(const std::string& svg) {
  Page page;
  std::smatch size;
  if (std::regex_search(svg, size, std::regex("width=\"([\\d.]+)\" height=\"([\\d.]+)\""))) {
    page.width = std::stod(size[1]);
    page.height = std::stod(size[2]);
  }
  const std::string mark = "<g class=\"row\"";
  for (std::size_t at = svg.find(mark); at != std::string::npos;) {
    const std::size_t next = svg.find(mark, at + 1);
    const std::string text = svg.substr(at, next - at);
    std::smatch row;
    if (!std::regex_search(text, row, std::regex("translate\\(0 ([\\d.]+)\\)\"><text[^>]*>([^<]*)<"))) break;
    page.rows.push_back({row[2], std::stod(row[1]), {}});
    const std::regex box("class=\"box\"[^>]* width=\"([\\d.]+)\"");
    for (std::sregex_iterator b(text.begin(), text.end(), box), end; b != end; ++b)
      page.rows.back().box_widths.push_back(std::stod((*b)[1]));
    at = next;
  }
  return page;
}

class Figure2Page : public testing::Test {
 protected:
  TemporaryFolder folder;

  Page draw(int structures, const std::vector<std::string>& names = {}) {
    const std::string name = std::to_string(structures);
    write_study(folder / (name + ".sqlite"), structures, names);
    EXPECT_EQ(plot_figure2({folder / (name + ".sqlite")}, folder / name).size(), 4u);
    csv = read_text(folder / (name + ".csv"));
    return page_of(read_text(folder / (name + ".svg")));
  }
  std::string csv;
};

TEST_F(Figure2Page, HasEveryStructureReadablyHoweverManyThereAre) {
  for (const int structures : {1, 2, 27, 120, 254}) {
    SCOPED_TRACE(structures);
    const Page page = draw(structures);
    ASSERT_EQ(page.rows.size(), static_cast<std::size_t>(structures));
    for (std::size_t n = 0; n < page.rows.size(); ++n) {
      EXPECT_EQ(page.rows[n].name, "S" + std::to_string(n + 1));
      if (n > 0) {
        EXPECT_GE(page.rows[n].y - page.rows[n - 1].y, 1.5 * 11) << "letters of 11 pixels with air between";
      }
      ASSERT_EQ(page.rows[n].box_widths.size(), 2u);
      // Dice of 12 subjects is 20/(20 + i), i = 0 .. 11: quartiles, NumPy's, at i = 2.75 and 8.25, by hand.
      const double low = 0.25 * 20 / 29 + 0.75 * 20 / 28, high = 0.75 * 20 / 23 + 0.25 * 20 / 22;
      EXPECT_NEAR(page.rows[n].box_widths[0], 480 * (high - low) / (1 - 0.6), 0.01) << "an axis from 0.6 to 1";
    }
    EXPECT_EQ(page.width, 760 + 28);
    EXPECT_GT(page.height, page.rows.back().y + 24);
  }
}

TEST_F(Figure2Page, CutsALongNameButNotInItsData) {
  const std::string long_name = "Länge-" + std::string(60, 'x') + "ß-2", just_fits(32, 'y');
  const Page page = draw(3, {long_name, just_fits, "a,b"});
  EXPECT_EQ(page.rows[0].name, "Länge-" + std::string(10, 'x') + "…" + std::string(12, 'x') + "ß-2");
  EXPECT_EQ(page.rows[1].name, just_fits);
  EXPECT_THAT(csv, HasSubstr("\n" + long_name + ",pretrained,"));
  EXPECT_THAT(csv, HasSubstr("\n\"a,b\",finetuned,"));
}

TEST_F(Figure2Page, ShowsStructuresThatNobodyHas) {
  StudyRecord study = study_record();
  study.classes = {{"background"}, {0}};
  for (int c = 1; c <= 40; ++c) {
    study.classes.names.push_back("S" + std::to_string(c));
    study.classes.left_twin.push_back(static_cast<std::uint8_t>(c));
  }
  {
    ResultsDatabase db(folder / "r.sqlite");
    const auto id = db.begin(study, provenance(), {trial_record("v", 1)})[0].id;
    SubjectCounts subject{"a", Counts(41)};
    subject.counts.true_positive[1] = 1;
    db.record_stage(id,
                    {.stage = 0, .best_epoch = 1, .best_dice = 1, .stopped = "", .validation = {}, .test = {subject}});
    db.set_finished(id);
  }
  plot_figure2({folder / "r.sqlite"}, folder / "f");
  EXPECT_EQ(page_of(read_text(folder / "f.svg")).rows.size(), 40u);
  EXPECT_EQ(read_text(folder / "f.csv"), "structure,stage,subject,dice\nS1,pretrained,a,1\n");
}

}  // namespace
}  // namespace crossfade::analysis
