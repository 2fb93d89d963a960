#include "analysis/tables/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/tables/text_table.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::Contains;
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

/// The cells of a Markdown table's rows, titles first, without the rule.
std::vector<std::vector<std::string>> markdown_cells(const std::string& markdown) {
  std::istringstream in(markdown);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line) && line.starts_with('|');) {
    if (line.starts_with("| ---")) continue;
    auto& cells = rows.emplace_back();
    for (std::size_t at = 2; at < line.size();) {
      const std::size_t end = line.find(" |", at);
      cells.push_back(line.substr(at, end - at));
      at = end + 3;
    }
  }
  return rows;
}

TrialRecord net(const std::string& variant, const std::string& model, std::int64_t parameters, double flops) {
  TrialRecord trial = trial_record(variant, 1);
  trial.model = model;
  trial.parameters = parameters;
  trial.flops = flops;
  return trial;
}

TEST_F(Report, NetsThatDifferHaveTheirSizeInTheirRow) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  ResultsDatabase(file).begin(
      study_record(), provenance(),
      {net("a", "U-Net", 1'944'124, 3.0251e9), net("b", "QuickNAT", 2'138'536, none), net("c", "no net", 0, none)});
  const auto rows = markdown_cells(render_table1({file}, "markdown"));
  ASSERT_EQ(rows.size(), 4u);
  for (const auto& [column, cells] :
       std::map<std::string, std::vector<std::string>>{{"Model", {"U-Net", "QuickNAT", "no net"}},
                                                       {"Parameters", {"1,944,124", "2,138,536", "–"}},
                                                       {"GFLOPs", {"3.03", "–", "–"}}}) {
    const auto at = static_cast<std::size_t>(std::ranges::find(rows[0], column) - rows[0].begin());
    for (std::size_t r = 0; r < 3; ++r) EXPECT_EQ(rows.at(r + 1).at(at), cells[r]) << column;
  }
  const std::string markdown = render_table1({file}, "markdown");
  EXPECT_THAT(markdown, HasSubstr("GFLOPs: of the forward pass on one slice"));
  EXPECT_THAT(markdown, Not(HasSubstr("unlike size"))) << "1,944,124 and 10 % are 2,138,536.4";

  ResultsDatabase(folder / "b")
      .begin(study_record(), provenance(), {net("a", "U-Net", 1'944'124, none), net("b", "U-Net", 2'138'537, none)});
  EXPECT_THAT(render_table1({folder / "b"}, "markdown"),
              HasSubstr("unlike size are compared: the largest has 2,138,537 parameters, the smallest 1,944,124"));
  EXPECT_THAT(render_table1({folder / "b"}, "markdown"), Not(HasSubstr("GFLOPs")));

  ResultsDatabase(folder / "c")
      .begin(study_record(), provenance(), {net("a", "U-Net", 1000, 2e9), net("b", "U-Net", 1000, 2e9)});
  EXPECT_THAT(render_table1({folder / "c"}, "markdown"),
              HasSubstr("Model: U-Net, 1,000 parameters, 2.00 GFLOPs (of the forward pass on one slice, convolutions "
                        "alone)."));
  EXPECT_THAT(markdown_cells(render_table1({folder / "c"}, "markdown"))[0], Not(Contains("Parameters")));
}

TEST_F(Report, SetsThePapersFiguresBesideOursOnDemand) {
  std::vector<TrialRecord> trials;
  for (const auto* variant :
       {"U-Net, fixed w-Dice", "U-Net, fixed w-CE", "U-Net, fixed w-CE + w-Dice", "U-Net, loss scheduling",
        "QuickNAT, fixed w-CE + boundary + Dice", "U-Net, fixed w-CE + boundary + Dice", "a variant of ours"})
    trials.push_back(trial_record(variant, 1));
  ResultsDatabase(file).begin(study_record(), provenance(), trials);
  // Table 1 of the paper, copied by hand
  const std::vector<std::vector<std::string>> paper = {{"did not converge", "–"},
                                                       {"0.7602 ± 0.085", "–"},
                                                       {"0.7819 ± 0.072", "–"},
                                                       {"0.8049 ± 0.067", "0.885 ± 0.042"},
                                                       {"0.798 ± 0.097", "0.901 ± 0.045"},
                                                       {"0.681 ± 0.193", "0.857 ± 0.079"},
                                                       {"–", "–"}};
  const std::string markdown = render_table1({file}, "markdown", {}, true);
  const auto rows = markdown_cells(markdown);
  ASSERT_EQ(rows.size(), paper.size() + 1);
  EXPECT_EQ(std::vector(rows[0].end() - 2, rows[0].end()),
            (std::vector<std::string>{"Paper, Pre-Trained", "Paper, Fine-Tuned"}));
  for (std::size_t r = 0; r < paper.size(); ++r)
    EXPECT_EQ(std::vector(rows[r + 1].end() - 2, rows[r + 1].end()), paper[r]) << rows[r + 1][0];
  EXPECT_THAT(markdown, HasSubstr("MICCAI-2012 test scans"));

  const auto json = nlohmann::json::parse(render_table1({file}, "json", {}, true))["rows"];
  EXPECT_EQ(json[0]["paper_pretrained_dice"], "did not converge");
  EXPECT_TRUE(json[0]["paper_pretrained_sd"].is_null());
  EXPECT_EQ(json[3]["paper_finetuned_dice"], 0.885);
  EXPECT_EQ(json[3]["paper_finetuned_sd"], 0.042);
  const auto csv = csv_lines(render_table1({file}, "csv", {}, true));
  EXPECT_EQ(std::vector(csv[4].end() - 4, csv[4].end()),
            (std::vector<std::string>{"0.8049", "0.067", "0.885", "0.042"}));
  EXPECT_THAT(csv[0].back(), "paper_finetuned_sd");
  for (const auto& format : report_formats())
    EXPECT_THAT(render_table1({file}, format), Not(testing::ContainsRegex("[Pp]aper"))) << format;
}

TEST_F(Report, SetsNothingOfThePaperBesideRowsThatItDoesNotHave) {
  ResultsDatabase(file).begin(study_record(), provenance(), {trial_record("a variant of ours", 1)});
  const std::string markdown = render_table1({file}, "markdown", {}, true);
  EXPECT_THAT(markdown, HasSubstr("a variant of ours"));
  EXPECT_THAT(markdown, Not(testing::ContainsRegex("[Pp]aper")));
}

TEST_F(Report, SetsNothingOfThePaperBesideOtherClasses) {
  StudyRecord study = study_record();
  study.classes = {{"background", "Anterior", "Posterior"}, {0, 1, 2}};
  ResultsDatabase(file).begin(study, provenance(), {trial_record("U-Net, fixed w-CE", 1)});
  for (const auto& format : report_formats())
    EXPECT_EQ(render_table1({file}, format, {}, true), render_table1({file}, format)) << format;
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

// By hand: of alice and bob, structure 1 has HD95 2 and 4 with seed 1, 4 and 4 with seed 2; structure 2 of alice alone
// 6 and 6. Per trial and subject: alice (2 + 6) / 2 and (4 + 6) / 2, so 4.5; bob 4. Mean 4.25, sd 0.5 / sqrt(2).
TEST_F(Report, HasAllMetricsOverSubjects) {
  ResultsDatabase db(file);
  const auto ids = db.begin(study_record(), provenance(), {trial_record("v", 1), trial_record("v", 2)});
  for (std::size_t seed = 0; seed < 2; ++seed) {
    StageResult result{.stage = 0, .best_epoch = 1, .best_dice = 0.5, .stopped = "", .validation = {}, .test = {}};
    for (const auto* subject : {"alice", "bob"}) {
      SubjectCounts counts{subject, no_counts()};
      counts.counts.true_positive[1] = 1;
      SubjectSurfaces surfaces{subject, std::vector<SurfaceScores>(data::kClasses)};
      const bool alice = std::string(subject) == "alice";
      surfaces.scores[1] = {
          .hd95_mm = alice && seed == 0 ? 2.0 : 4.0, .nsd = 0.5, .volume_difference = alice ? -0.5 : 0.25};
      if (alice) surfaces.scores[2] = {.hd95_mm = 6, .nsd = 0.25, .volume_difference = 0};
      result.test.push_back(counts);
      result.surfaces.push_back(surfaces);
    }
    db.record_stage(ids[seed].id, result);
    db.set_finished(ids[seed].id);
  }
  const auto row = nlohmann::json::parse(render_metrics({file}, "json"))["rows"].at(0);
  EXPECT_EQ(row["variant"], "v");
  EXPECT_EQ(row["role"], "pretrained");
  EXPECT_EQ(row["subjects"], 2);
  EXPECT_DOUBLE_EQ(row["dice"].get<double>(), 1);
  EXPECT_DOUBLE_EQ(row["hd95_mm"].get<double>(), 4.25);
  EXPECT_NEAR(row["hd95_mm_sd"].get<double>(), 0.5 / std::sqrt(2), 1e-15);
  EXPECT_DOUBLE_EQ(row["nsd"].get<double>(), (0.375 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(row["volume_difference"].get<double>(), (-0.25 + 0.25) / 2);
  EXPECT_THAT(render_metrics({file}, "text"), HasSubstr("4.2500 ± 0.354"));
  EXPECT_THAT(render_metrics({file}, "csv"), testing::StartsWith("variant,role,subjects,dice,dice_sd,hd95_mm,"));
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
  const auto json = nlohmann::json::parse(render_scores(subjects, data::brain_classes(), "json"));
  const auto csv = csv_lines(render_scores(subjects, data::brain_classes(), "csv"));
  const std::string text = render_scores(subjects, data::brain_classes(), "text");
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
  EXPECT_THROW(render_scores(subjects, data::brain_classes(), "latex"), std::invalid_argument);
}

}  // namespace
}  // namespace crossfade::analysis
