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
  for (std::int64_t i = 0; i < 12; ++i) {  // gnuplot has no box for less than 5
    test.push_back({"s" + std::to_string(i), Counts(structures + 1)});
    for (std::int64_t& count : test.back().counts.true_positive) count = 10;
    for (std::int64_t& count : test.back().counts.false_positive) count = i;
  }
  for (const int stage : {0, 1})
    db.record_stage(id,
                    {.stage = stage, .best_epoch = 1, .best_dice = 0.5, .stopped = "", .validation = {}, .test = test});
  db.set_finished(id);
}

/// What an SVG of gnuplot shows, in pixels.
struct Page {
  int width = 0, height = 0;
  struct Name {
    std::string text;
    double x = 0, y = 0;  // of its end, under the axis
  };
  std::vector<Name> names;    // slanted ones
  std::vector<double> boxes;  // their widths, those of the key at last
};

Page page_of(const std::string& svg) {
  Page page;
  std::smatch size;
  if (std::regex_search(svg, size, std::regex("width=\"(\\d+)\" height=\"(\\d+)\""))) {
    page.width = std::stoi(size[1]);
    page.height = std::stoi(size[2]);
  }
  const std::regex name("translate\\(([\\d.]+),([\\d.]+)\\) rotate\\(-60\\)\"[^>]*>\\s*<text>([^<]*)<");
  for (std::sregex_iterator at(svg.begin(), svg.end(), name), end; at != end; ++at)
    page.names.push_back({(*at)[3], std::stod((*at)[1]), std::stod((*at)[2])});
  const std::regex box("<polygon fill = 'rgb[^>]*points = '([\\d.]+),[\\d.]+ ([\\d.]+),");
  for (std::sregex_iterator at(svg.begin(), svg.end(), box), end; at != end; ++at)
    page.boxes.push_back(std::stod((*at)[2]) - std::stod((*at)[1]));
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
  for (const int structures : {1, 2, 27, 33, 120, 254}) {
    SCOPED_TRACE(structures);
    Page page = draw(structures);
    ASSERT_EQ(page.names.size(), static_cast<std::size_t>(structures));
    for (std::size_t n = 0; n < page.names.size(); ++n) {
      EXPECT_EQ(page.names[n].text, "S" + std::to_string(n + 1));
      EXPECT_LT(page.names[n].x, page.width);
      EXPECT_LT(page.names[n].y, page.height);
      if (n == 0) continue;
      const double right = page.names[n].x - page.names[n - 1].x, down = page.names[n].y - page.names[n - 1].y;
      if (down < 1)
        EXPECT_GE(right, 1.5 * 9) << "letters of 9 pixels, slanted, with air between them";
      else
        EXPECT_GE(down, 200) << "a row of its own";
    }
    // Boxes of two stages each, and the key's two.
    ASSERT_EQ(page.boxes.size(), 2 * static_cast<std::size_t>(structures) + 2);
    page.boxes.resize(page.boxes.size() - 2);
    EXPECT_GE(*std::ranges::min_element(page.boxes), 5);
    EXPECT_LE(*std::ranges::max_element(page.boxes), 25);
    EXPECT_GE(page.width, 600);
    EXPECT_LE(page.width, 900);
  }
}

TEST_F(Figure2Page, OfTheBrainsStructuresHasTheSizeItAlwaysHad) {
  const Page page = draw(27);
  EXPECT_EQ(page.width, 900);
  EXPECT_EQ(page.height, 560);
  for (const Page::Name& name : page.names) EXPECT_EQ(name.y, page.names.front().y) << "one row";
}

TEST_F(Figure2Page, CutsALongNameButNotInItsData) {
  const std::string long_name = "Länge-" + std::string(60, 'x') + "ß-2", just_fits(40, 'y');
  const Page page = draw(3, {long_name, just_fits, "a,b"});
  EXPECT_EQ(page.names[0].text, "Länge-" + std::string(14, 'x') + "…" + std::string(16, 'x') + "ß-2");
  EXPECT_EQ(page.names[1].text, just_fits);
  EXPECT_GT(page.height, 560) << "boxes keep their height";
  EXPECT_THAT(csv, HasSubstr("\n" + long_name + ",pretrained,"));
  EXPECT_THAT(csv, HasSubstr("\n\"a,b\",finetuned,"));
}

TEST_F(Figure2Page, ShowsStructuresThatNobodyHas) {
  StudyRecord study = study_record();
  study.classes = {{"background"}, {0}};
  for (int c = 1; c <= 40; ++c) {  // two rows, nothing in the second
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
  EXPECT_EQ(page_of(read_text(folder / "f.svg")).names.size(), 40u);
  EXPECT_EQ(read_text(folder / "f.csv"), "structure,stage,subject,dice\nS1,pretrained,a,1\n");
}

}  // namespace
}  // namespace crossfade::analysis
