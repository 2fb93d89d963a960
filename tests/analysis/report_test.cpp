#include "analysis/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/text_table.hpp"
#include "study.hpp"

namespace crossfade::analysis {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Fields of one line of CSV without line breaks in its fields.
std::vector<std::string> csv_line(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"')
      fields.back() += line[i++];
    else if (line[i] == '"')
      quoted = !quoted;
    else if (line[i] == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += line[i];
  }
  return fields;
}

std::vector<std::vector<std::string>> csv_lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(csv_line(line));
  return lines;
}

class Report : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path file = folder / "r.sqlite";
};

TEST_F(Report, CsvHoldsTheNumbersOfJsonToTheLastDigit) {
  write_made_up_study(file);
  const auto rows = nlohmann::json::parse(render_table1({file}, "json"))["rows"];
  const auto lines = csv_lines(render_table1({file}, "csv"));
  ASSERT_EQ(lines.size(), rows.size() + 1);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    ASSERT_EQ(lines[r + 1].size(), lines[0].size());
    for (std::size_t c = 0; c < lines[0].size(); ++c) {
      const auto& value = rows[r].at(lines[0][c]);
      const std::string& field = lines[r + 1][c];
      if (value.is_null())
        EXPECT_EQ(field, "");
      else if (value.is_string())
        EXPECT_EQ(field, value.get<std::string>());
      else
        EXPECT_EQ(std::stod(field), value.get<double>()) << lines[0][c];
    }
  }
}

TEST_F(Report, TextHasThePapersDigitsAndSaysWhatDidNotConverge) {
  write_made_up_study(file);
  const auto rows = nlohmann::json::parse(render_table1({file}, "json"))["rows"];
  std::string text = render_table1({file}, "text");
  std::replace(text.begin(), text.end(), '\n', ' ');  // notes are wrapped
  EXPECT_THAT(text, HasSubstr(fixed(rows[0]["pretrained_dice"], 4) + " ± " + fixed(rows[0]["pretrained_sd"], 3)));
  EXPECT_THAT(text, HasSubstr(fixed(rows[1]["finetuned_dice"], 4) + " ± " + fixed(rows[1]["finetuned_sd"], 3)));
  EXPECT_THAT(text, HasSubstr(fixed(rows[0]["pretrained_validation_dice"], 4)));
  EXPECT_THAT(text, HasSubstr("did not converge"));
  EXPECT_THAT(text, Not(HasSubstr(fixed(rows[2]["pretrained_dice"], 4) + " ±")));
  EXPECT_THAT(text, HasSubstr("2 of 2"));
  EXPECT_THAT(text, HasSubstr("0 of 2"));
  EXPECT_THAT(text, HasSubstr("7 of 8 trials finished, 1 failed"));
  EXPECT_THAT(text, HasSubstr("made-up counts, no images at all"));
  EXPECT_THAT(text, HasSubstr("sd over subjects (3)"));
  EXPECT_THAT(text, HasSubstr("grid of 2 mm voxels"));
  EXPECT_THAT(text, HasSubstr("U-Net (width 16), 1,943,868 parameters"));
}

TEST_F(Report, ColumnsOfAStageThatTheStudyLacksAreLeftOut) {
  std::mt19937 random(1);
  ResultsDatabase db(file);
  const auto trial = trial_record("a", 1);
  finish(db, db.begin(study_record(), provenance(), {trial})[0].id, trial, random, 0.5);
  for (const auto* format : {"text", "markdown", "latex"}) {
    EXPECT_THAT(render_table1({file}, format), HasSubstr("Pre-Trained"));
    EXPECT_THAT(render_table1({file}, format), Not(HasSubstr("Fine-Tuned")));
    EXPECT_THAT(render_table1({file}, format), Not(HasSubstr("trials finished")));
  }
  EXPECT_THAT(render_table1({file}, "csv"), HasSubstr("finetuned_dice"));  // a contract with notebooks
}

TEST_F(Report, LinesOfATextTableEndAtTheSameColumns) {
  write_made_up_study(file);
  std::istringstream in(render_table1({file}, "text"));
  std::string titles, rule, row;
  std::getline(in, titles);
  std::getline(in, rule);
  for (int r = 0; r < 4; ++r) {
    std::getline(in, row);
    EXPECT_EQ(width(row), width(rule)) << row;  // the last column is aligned on the right
  }
}

TEST_F(Report, LatexEscapesWhatItHasToAndUsesBooktabs) {
  write_made_up_study(file);
  const std::string latex = render_table1({file}, "latex");
  EXPECT_THAT(latex, HasSubstr("scheduled \\& 50\\%\\_off & w-CE $\\rightarrow$ w-CE + w-Dice"));
  EXPECT_THAT(latex, HasSubstr("never \\textless{}converged\\textgreater{}"));
  EXPECT_THAT(latex, HasSubstr(" $\\pm$ "));
  EXPECT_THAT(latex, HasSubstr("\\toprule"));
  EXPECT_EQ(latex_escaped("a\\b{c}$#~^\n"), "a\\textbackslash{}b\\{c\\}\\$\\#\\textasciitilde{}\\textasciicircum{} ");
}

TEST_F(Report, MarkdownHasOneLineARowAndAsManyCells) {
  ResultsDatabase db(file);
  db.begin(study_record(), provenance(), {trial_record("pipe | in \n the *name*", 1)});
  const std::string markdown = render_table1({file}, "markdown");
  EXPECT_THAT(markdown, HasSubstr("| pipe \\| in   the \\*name\\* |"));
  EXPECT_THAT(markdown, HasSubstr("0 of 1 trials finished"));
}

TEST_F(Report, RefusesAnUnknownFormatAndAnEmptyDatabase) {
  EXPECT_THROW(render_table1({file}, "html"), std::invalid_argument);
  { ResultsDatabase db(file); }
  EXPECT_THAT(error_of([&] { render_table1({file}, "text"); }), HasSubstr("holds no study"));
  EXPECT_EQ(report_formats(), (std::vector<std::string>{"text", "markdown", "csv", "json", "latex"}));
}

TEST(Scores, SayTheSameInEveryFormat) {
  std::mt19937 random(5);
  std::vector<std::string> names;
  for (int i = 0; i < 8; ++i) names.push_back("sub,ject " + std::to_string(i));
  const auto subjects = made_up_subjects(random, names, 0.8);
  const auto json = nlohmann::json::parse(render_scores(subjects, "json"));
  const auto csv = csv_lines(render_scores(subjects, "csv"));
  const std::string text = render_scores(subjects, "text");
  ASSERT_EQ(csv.size(), 1 + 8 * 27u);
  EXPECT_EQ(csv[0], (std::vector<std::string>{"subject", "structure", "dice"}));
  double sum = 0;
  std::size_t line = 1;
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    const auto values = dice(subjects[s].counts);
    double of_subject = 0;
    int n = 0;
    for (std::size_t c = 1; c < data::kClasses; ++c, ++line) {
      const std::string name(data::kStructures[c]);
      EXPECT_EQ(csv[line][0], names[s]);
      EXPECT_EQ(csv[line][1], name);
      const auto& cell = json["subjects"][s]["dice"][name];
      if (std::isnan(values[c])) {
        EXPECT_EQ(csv[line][2], "");
        EXPECT_TRUE(cell.is_null());
      } else {
        EXPECT_EQ(std::stod(csv[line][2]), values[c]);
        EXPECT_EQ(cell.get<double>(), values[c]);
        of_subject += values[c];
        ++n;
      }
    }
    EXPECT_NEAR(json["subjects"][s]["mean"].get<double>(), of_subject / n, 1e-14);
    EXPECT_EQ(json["subjects"][s]["left_out"], 27 - n);
    EXPECT_THAT(text, HasSubstr(fixed(of_subject / n, 4)));
    sum += of_subject / n;
  }
  EXPECT_NEAR(json["mean"].get<double>(), sum / 8, 1e-14);
  EXPECT_THAT(text, HasSubstr("8 subject(s): " + fixed(sum / 8, 4) + " ± "));
  EXPECT_THROW(render_scores(subjects, "latex"), std::invalid_argument);
}

}  // namespace
}  // namespace crossfade::analysis
