#include "analysis/figures/figure1.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "analysis/figures/figure1_drawing.hpp"
#include "analysis/figures/figure1_lines.hpp"
#include "analysis/tables/report.hpp"
#include "analysis/tables/table1.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

/// The texts in a picture, by an XML parser (which refuses one that is not well-formed).
std::vector<std::string> texts_of(const std::filesystem::path& svg) {
  const Said said = run({CROSSFADE_PYTHON, "-c",
                         "import sys, xml.etree.ElementTree as e\n"
                         "for t in e.parse(sys.argv[1]).iter('{http://www.w3.org/2000/svg}text'):\n"
                         "    print(''.join(t.itertext()).strip())",
                         svg.string()});
  EXPECT_EQ(said.status, 0);
  std::istringstream in(said.output);
  std::vector<std::string> texts;
  for (std::string line; std::getline(in, line);) texts.push_back(line);
  return texts;
}

class Figure : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path file = folder / "r.sqlite";
};

TEST_F(Figure, IsWrittenAsSvgPngPdfAndCsv) {
  write_made_up_study(file);
  const auto written = plot_figure1({file}, folder / "figure1");
  ASSERT_EQ(written.size(), 4u);
  for (const auto& path : written) EXPECT_TRUE(std::filesystem::exists(path)) << path;
  EXPECT_THAT(read_text(folder / "figure1.png"), StartsWith("\x89PNG\r\n\x1a\n"));
  EXPECT_THAT(read_text(folder / "figure1.pdf"), StartsWith("%PDF-"));
  const auto texts = texts_of(folder / "figure1.svg");
  for (const auto* text :
       {"fixed, \"w-CE\" 0.", "scheduled & 50%_off 0.", "never <converged> 0.", "half done 0.",
        "circles: the schedule switches", "made-up", "Mean Dice (validation)", "pretrain", "finetune"})
    EXPECT_THAT(texts, Contains(HasSubstr(text)));
}

TEST_F(Figure, NamesAreNeverRun) {
  ResultsDatabase db(file);
  std::mt19937 random(1);
  const std::string mark = (folder / "mark").string();
  const std::string names[] = {"'; touch " + mark, "`touch " + mark + "`", "<script>&lt; ü ]]>",
                               "--output=" + mark + "\n\x01"};
  std::vector<TrialRecord> trials;
  for (const auto& name : names) trials.push_back(trial_record(name, 1));
  const auto ids = db.begin(study_record("st'udy `touch " + mark + "`"), provenance(), trials);
  for (std::size_t i = 0; i < trials.size(); ++i) finish(db, ids[i].id, trials[i], random, 0.5);
  plot_figure1({file}, folder / "a '7th stem'-1 with `quotes`");
  EXPECT_FALSE(std::filesystem::exists(mark));
  const auto texts = texts_of(folder / "a '7th stem'-1 with `quotes`.svg");
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_THAT(texts, Contains(HasSubstr(shortened(names[i], 44) + " 0."))) << "as it is called";
}

TEST_F(Figure, ShowsTheAxialNetOfATrialWithSeveralPlanes) {
  TrialRecord trial = trial_record("v", 1);
  const StageRecord stage = trial.stages[0];
  for (const char* plane : {"coronal", "all"}) {
    trial.stages.push_back(stage);
    trial.stages.back().plane = plane;
    trial.stages.back().hash += plane;
  }
  ResultsDatabase db(file);
  std::mt19937 random(1);
  const auto id = db.begin(study_record(), provenance(), {trial})[0].id;
  std::vector<double> axial;
  for (int position = 0; position < 2; ++position)
    for (int epoch = 1; epoch <= 3; ++epoch) {
      const EpochRecord record = epoch_record(random, epoch, position == 0 ? 0.4 : 0.9, position);
      if (position == 0) axial.push_back(record.validation.mean);
      db.record_epoch(id, record);
    }
  const Figure1 figure = read_figure1({file}, "");
  ASSERT_EQ(figure.stages.size(), 1U);
  ASSERT_EQ(figure.lines.size(), 1U);
  ASSERT_EQ(figure.lines[0].points.size(), 3U);
  for (std::size_t e = 0; e < 3; ++e) EXPECT_EQ(figure.lines[0].points[e].dice, axial[e]);
}

/// One structure of one subject with Dice 2 tp / (2 tp + fp).
EpochRecord epoch_of(int number, std::int64_t tp, std::int64_t fp) {
  Counts c = no_counts();
  c.true_positive[1] = tp;
  c.false_positive[1] = fp;
  EpochRecord e;
  e.epoch = number;
  e.validation = validation_dice(std::vector<SubjectCounts>{{"v", c}});
  return e;
}

/// Two seeds of a variant with `epochs` planned: the first with those of `first`, the second with Dice 0.25 in its one
/// epoch, behind which `stopped` stands.
void write_two_seeds(const std::filesystem::path& file, int epochs, const std::vector<EpochRecord>& first,
                     const std::string& stopped) {
  auto one = trial_record("v", 1), two = trial_record("v", 2);
  one.stages[0].epochs = two.stages[0].epochs = epochs;
  ResultsDatabase db(file);
  const auto ids = db.begin(study_record(), provenance(), {one, two});
  for (const EpochRecord& epoch : first) db.record_epoch(ids[0].id, epoch);
  db.record_epoch(ids[1].id, epoch_of(1, 1, 6));
  for (std::size_t i = 0; i < 2; ++i) {
    db.record_stage(ids[i].id, {.stage = 0,
                                .best_epoch = 1,
                                .best_dice = 0.5,
                                .stopped = i == 0 ? "" : stopped,
                                .validation = {},
                                .test = {}});
    db.set_finished(ids[i].id);
  }
}

TEST_F(Figure, CsvHasMeanAndRangeOverSeedsAndZeroForALostSeed) {
  write_two_seeds(file, 2, {epoch_of(1, 1, 2), epoch_of(2, 1, 0)}, "loss wce not finite at step 11");
  plot_figure1({file}, folder / "f");
  EXPECT_EQ(read_text(folder / "f.csv"),
            "variant,epoch,dice,smallest,largest,trials\nv,1,0.375,0.25,0.5,2\nv,2,0.5,0,1,2\n");
}

TEST_F(Figure, ASeedOutOfPatienceGoesOnAtTheDiceOfItsLastEpoch) {
  write_two_seeds(file, 3, {epoch_of(1, 1, 2), epoch_of(2, 1, 0), epoch_of(3, 1, 2)}, "");
  plot_figure1({file}, folder / "f");
  EXPECT_EQ(
      read_text(folder / "f.csv"),
      "variant,epoch,dice,smallest,largest,trials\nv,1,0.375,0.25,0.5,2\nv,2,0.625,0.25,1,2\nv,3,0.375,0.25,0.5,2\n");
  const Table1 table = read_table1({file}, "");
  EXPECT_EQ(table.rows[0]["ended_early"], 1);
  EXPECT_EQ(table.rows[0]["converged"], 2) << "nothing went wrong";
  EXPECT_THAT(render_table1({file}, "markdown"), HasSubstr("Ended early, out of patience: 1 of 2 trials of 'v'."));
}

TEST_F(Figure, AnEpochThatWasNeverRecordedIsLeftOut) {
  write_two_seeds(file, 2, {epoch_of(1, 1, 2), epoch_of(2, 1, 0)}, "");
  { SQLite::Database(file, SQLite::OPEN_READWRITE).exec("DELETE FROM epoch WHERE epoch = 1 AND stage_id = 1"); }
  plot_figure1({file}, folder / "f");
  EXPECT_THAT(read_text(folder / "f.csv"), HasSubstr("\nv,1,0.25,0.25,0.25,1\nv,2,"));
}

TEST_F(Figure, RefusesAnEmptyStudyAndAFolderThatIsNotThere) {
  { ResultsDatabase(file).begin(study_record(), provenance(), {trial_record("a", 1)}); }
  EXPECT_THAT(error_of([&] { plot_figure1({file}, folder / "f"); }), HasSubstr("no epoch to draw"));
  write_made_up_study(folder / "full.sqlite");
  EXPECT_THAT(error_of([&] { plot_figure1({folder / "full.sqlite"}, folder / "no" / "f"); }), HasSubstr("can't write"));
}

TEST_F(Figure, APictureThatCannotTakeItsPlaceLeavesNothingBeside) {
  write_made_up_study(file);
  std::filesystem::create_directories(folder / "f.png" / "a folder");
  EXPECT_THAT(error_of([&] { plot_figure1({file}, folder / "f"); }), HasSubstr("f.png"));
  for (const auto& entry : std::filesystem::directory_iterator(folder.path))
    EXPECT_NE(entry.path().extension(), ".partial") << entry.path();
}

TEST_F(Figure, SaysWhenItsProgramIsMissing) {
  write_made_up_study(file);
  const std::string path = std::getenv("PATH");
  setenv("PATH", folder.path.c_str(), 1);
  const std::string error = error_of([&] { plot_figure1({file}, folder / "f"); });
  setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(error, HasSubstr("can't run rsvg-convert"));
  EXPECT_THAT(error, HasSubstr("librsvg2-bin"));
}

TEST_F(Figure, OfManyVariantsIsASmallChartForEach) {
  ResultsDatabase db(file);
  std::mt19937 random(1);
  std::vector<TrialRecord> trials;
  for (int v = 0; v < 8; ++v)
    for (const std::uint64_t seed : {1, 2}) trials.push_back(trial_record("variant " + std::to_string(v), seed));
  const auto ids = db.begin(study_record(), provenance(), trials);
  for (std::size_t i = 0; i < trials.size(); ++i) finish(db, ids[i].id, trials[i], random, i < 12 ? 0.9 : 0.3);
  plot_figure1({file}, folder / "f");
  const auto texts = texts_of(folder / "f.svg");
  for (int v = 0; v < 8; ++v) EXPECT_THAT(texts, Contains("variant " + std::to_string(v)));

  const Figure1 figure = read_figure1({file}, "");
  EXPECT_THAT(highest_lines(figure), testing::ElementsAre(0, 1, 2, 3, 4, 5)) << "the last two end low";
  const Drawing some = overview(figure, highest_lines(figure), 900, 400, false);
  EXPECT_THAT(some.content, testing::Not(HasSubstr("variant 6")));
  EXPECT_THAT(overview(figure, highest_lines(figure), 900, 400, true).content, HasSubstr("variant 6")) << "hidden";
}

TEST_F(Figure, HasTheTermsOfEachVariantByEpoch) {
  ResultsDatabase db(file);
  std::mt19937 random(1);
  const std::vector<TrialRecord> trials = {trial_record("v", 1), trial_record("v", 2)};
  const auto ids = db.begin(study_record(), provenance(), trials);
  const double values[2] = {0.5, 0.25};
  for (std::size_t i = 0; i < 2; ++i) {
    for (int epoch = 1; epoch <= 2; ++epoch) {
      EpochRecord record = epoch_record(random, epoch, 0.5);
      record.terms = {{"wce", values[i] / epoch, epoch == 1 ? 1.0 : 0.0}, {"wdice", std::nan(""), 1}};
      db.record_epoch(ids[i].id, record);
    }
  }
  const Figure1Line line = read_figure1({file}, "").lines.at(0);
  ASSERT_EQ(line.trials.size(), 2u);
  EXPECT_EQ(line.trials[1].seed, 2);
  EXPECT_EQ(line.trials[1].dice.size(), 2u);
  ASSERT_EQ(line.terms.size(), 2u);
  EXPECT_EQ(line.terms[0].name, "wce");
  EXPECT_DOUBLE_EQ(line.terms[0].points.at(1).value, 0.1875) << "the mean of 0.25 and 0.125";
  EXPECT_EQ(line.terms[0].points[0].weight, 1);
  EXPECT_EQ(line.terms[0].points[1].weight, 0);
  EXPECT_TRUE(std::isnan(line.terms[1].points[0].value)) << "no trial has a number";
}

}  // namespace
}  // namespace crossfade::analysis
