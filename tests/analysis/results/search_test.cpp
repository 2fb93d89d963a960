// Searches in the database, and their reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <nlohmann/json.hpp>

#include "analysis/figures/search_figure.hpp"
#include "analysis/results/merge.hpp"
#include "analysis/tables/report.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::HasSubstr;
using testing::Not;

SearchRecord search_record(const std::string& method = "grid") {
  return {
      .method = method,
      .objective = "end",
      .seeds = {11, 12},
      .space = R"([{"name": "first", "from": 0.2, "to": 0.6, "log": false, "moment": true, "values": [0.2, 0.4, 0.6]},
                       {"name": "shape", "from": 0, "to": 1, "log": false, "moment": false, "values": ["step", "linear"]}])",
      .options = "{}",
      .validation_subjects = 2,
      .labels = "manual"};
}

TrialRecord candidate_trial(int position, std::uint64_t seed) {
  return trial_record("found [" + std::to_string(position) + "]", seed);
}

CandidateRecord candidate(int position, double first, const std::string& shape, double epochs) {
  return {.position = position,
          .round = position / 2,
          .point = nlohmann::json{{"first", first}, {"shape", shape}}.dump(),
          .settings = "loss: {wce: 1}\n",
          .epochs = epochs,
          .trials = {candidate_trial(position, 11), candidate_trial(position, 12)}};
}

class SearchRows : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path file = folder / "results.sqlite";
  std::mt19937 random{1};

  /// Trains a trial by hand: one validation Dice an epoch, all structures alike.
  void train(ResultsDatabase& db, std::int64_t id, const TrialRecord& trial, const std::vector<double>& dice,
             const std::string& stopped = {}) {
    for (std::size_t stage = 0; stage < trial.stages.size(); ++stage) {
      for (std::size_t e = 0; e < dice.size(); ++e)
        db.record_epoch(id, epoch_record(random, static_cast<int>(e) + 1, dice[e], static_cast<int>(stage)));
      db.record_stage(id, {.stage = static_cast<int>(stage),
                           .best_epoch = 1,
                           .best_dice = 0.9,
                           .stopped = stopped,
                           .validation = made_up_subjects(random, {"v"}, 0.5),
                           .test = {}});
    }
    db.set_finished(id);
  }

  /// Of an epoch, as the database has it.
  double last_dice(std::int64_t trial) {
    SQLite::Database db(file.string());
    SQLite::Statement query(db,
                            "SELECT dice_mean FROM epoch AS e JOIN stage AS s ON s.id = e.stage_id WHERE trial_id = ?"
                            " ORDER BY s.position DESC, e.epoch DESC");
    query.bind(1, trial);
    query.executeStep();
    return query.getColumn(0).getDouble();
  }

  std::string ask(const std::string& sql) {
    SQLite::Database db(file.string());
    SQLite::Statement query(db, sql);
    if (!query.executeStep()) return "no row";
    return query.getColumn(0).isNull() ? "NULL" : query.getColumn(0).getString();
  }
};

TEST_F(SearchRows, ScoreOverSeedsOnceAllAreFinished) {
  ResultsDatabase db(file);
  db.begin(study_record(), provenance(), {trial_record("a", 1)});
  db.begin_search(search_record());
  const CandidateRecord record = candidate(0, 0.2, "step", 10);
  const std::vector<TrialStatus> trials = db.add_candidate(record);
  ASSERT_EQ(trials.size(), 2u);
  EXPECT_FALSE(db.result_of(0));
  train(db, trials[0].id, record.trials[0], {0.8, 0.5});
  EXPECT_FALSE(db.result_of(0)) << "of two seeds";
  EXPECT_EQ(ask("SELECT dice FROM search_candidate"), "NULL");
  train(db, trials[1].id, record.trials[1], {0.7, 0.6});
  ASSERT_TRUE(db.result_of(0));
  const double expected = (last_dice(trials[0].id) + last_dice(trials[1].id)) / 2;
  EXPECT_NEAR(db.result_of(0)->dice, expected, 1e-12) << "after the last epoch";
  EXPECT_NEAR(std::stod(ask("SELECT dice FROM search_candidate")), expected, 1e-12);
  EXPECT_NEAR(std::stod(ask("SELECT sd FROM search_candidate")),
              std::abs(last_dice(trials[0].id) - last_dice(trials[1].id)) / std::sqrt(2.0), 1e-12);
  EXPECT_EQ(ask("SELECT group_concat(variant) FROM table1"), "a") << "candidates are no rows";
  EXPECT_EQ(ask("SELECT count(*) FROM figure1"), "0");

  SearchRecord best = search_record();
  best.objective = "best";
  db.begin_search(best);
  EXPECT_EQ(ask("SELECT count(*) FROM candidate"), "0") << "another search";
  db.add_candidate(record);
  EXPECT_EQ(db.result_of(0)->dice, 0.9) << "known by its trials' hashes";
}

TEST_F(SearchRows, CandidatesOfAChangedGridDoNotStandBesideThoseOfTheOneBefore) {
  ResultsDatabase db(file);
  db.begin(study_record(), provenance(), {trial_record("a", 1)});
  db.begin_search(search_record());
  for (int c = 0; c < 3; ++c) db.add_candidate(candidate(c, 0.2 + 0.2 * c, "step", 10));
  db.add_candidate(candidate(0, 0.2, "step", 10));
  EXPECT_EQ(ask("SELECT count(*) FROM candidate"), "3") << "a killed search that goes on";
  CandidateRecord other = candidate(1, 0.4, "step", 10);
  for (TrialRecord& trial : other.trials) trial.hash += " with another learning rate";
  db.add_candidate(other);
  EXPECT_EQ(ask("SELECT group_concat(position) FROM candidate"), "0,1");
  EXPECT_EQ(ask("SELECT count(*) FROM candidate_trial"), "4");
}

TEST_F(SearchRows, AStageThatStoppedScoresNothing) {
  ResultsDatabase db(file);
  db.begin(study_record(), provenance(), {trial_record("a", 1)});
  db.begin_search(search_record());
  const CandidateRecord record = candidate(0, 0.2, "step", 10);
  const std::vector<TrialStatus> trials = db.add_candidate(record);
  for (std::size_t t = 0; t < 2; ++t) train(db, trials[t].id, record.trials[t], {0.8}, "loss is not finite at step 3");
  EXPECT_EQ(db.result_of(0)->dice, 0);
}

TEST_F(SearchRows, EndWithFinalistsRowsAndClaims) {
  {
    ResultsDatabase db(file);
    db.begin(study_record(), provenance(), {trial_record("a", 1)});
    db.begin_search(search_record());
    for (int c = 0; c < 3; ++c) {
      const CandidateRecord record = candidate(c, 0.2 + 0.2 * c, c == 1 ? "linear" : "step", 10 - c);
      const std::vector<TrialStatus> trials = db.add_candidate(record);
      if (c == 2) continue;
      for (std::size_t t = 0; t < 2; ++t) train(db, trials[t].id, record.trials[t], {0.5 + 0.2 * c});
    }
    const auto states = db.end_search(2, {{1, "found"}}, {trial_record("found", 1)}, {{"found vs. a", "found", "a"}});
    ASSERT_EQ(states.size(), 1u);
    EXPECT_EQ(states[0].state, TrialState::kPending);
  }
  EXPECT_EQ(ask("SELECT group_concat(variant) FROM table1"), "a,found");
  EXPECT_EQ(ask("SELECT count(*) FROM candidate"), "2") << "of another run";
  EXPECT_EQ(ask("SELECT better FROM claim"), "found");

  const std::string text = render_search({file}, "markdown");  // a line a note
  EXPECT_LT(text.find("linear"), text.find("step")) << "the best first";
  EXPECT_THAT(text, HasSubstr("2 candidates, ranked by the mean Dice after the last epoch on 2 validation subjects"));
  EXPECT_THAT(text, HasSubstr("over seeds 11, 12"));
  EXPECT_THAT(text, HasSubstr("Fewer than 6 validation subjects"));
  EXPECT_THAT(text, HasSubstr("alike counted once: 19 in all, of "));
  EXPECT_THAT(text, Not(HasSubstr("better ones may lie beyond"))) << "0.4 lies within";
  const std::string csv = render_search({file}, "csv");
  EXPECT_TRUE(
      csv.starts_with("tried,round,value_first,value_shape,dice,seed_sd,epochs,epochs_so_far,variant\n1,1,0.2,step,"))
      << csv;
  EXPECT_THAT(csv, HasSubstr(",10,10,"));
  EXPECT_THAT(csv, HasSubstr(",9,19,"));
  EXPECT_EQ(found_settings({file}), "loss: {wce: 1}\n");
  EXPECT_THAT(error_of([&] { found_settings({file}, "", "a"); }),
              HasSubstr("'a' was not found by the search of study 'made-up', expected 'found'"));
  EXPECT_EQ(plot_search({file}, folder / "map").size(), 4u);
  EXPECT_THAT(read_text(folder / "map.csv"), HasSubstr("tried,first,shape,dice,epochs_so_far,variant\n1,0.2,step,"));
  EXPECT_THAT(read_text(folder / "map.svg"), HasSubstr("Epochs trained"));
}

TEST_F(SearchRows, FinalistsStayInTheTablesUntilTheirSearchSaysOtherwise) {
  ResultsDatabase db(file);
  StudyRecord study = study_record();
  study.searches = true;
  const auto begin = [&](const SearchRecord& search) {
    db.begin(study, provenance(), {trial_record("a", 1)});
    db.begin_search(search);
    db.add_candidate(candidate(0, 0.2, "step", 10));
  };
  const auto rows = [&] { return ask("SELECT group_concat(variant) FROM table1"); };
  begin(search_record());
  db.end_search(1, {{0, "found"}}, {trial_record("found", 1)}, {});
  EXPECT_EQ(rows(), "a,found");
  begin(search_record());
  EXPECT_EQ(rows(), "a,found") << "the same search, run again";
  db.end_search(1, {{0, "a"}}, {}, {});
  EXPECT_EQ(rows(), "a") << "it found a row of the grid now";
  db.end_search(1, {{0, "found"}}, {trial_record("found", 1)}, {});
  SearchRecord other = search_record();
  other.method = "random";
  begin(other);
  EXPECT_EQ(rows(), "a") << "another search";
  db.end_search(1, {{0, "found"}}, {trial_record("found", 1)}, {});
  EXPECT_EQ(rows(), "a,found");
  CandidateRecord changed = candidate(0, 0.2, "step", 10);
  for (TrialRecord& trial : changed.trials) trial.hash += " with another learning rate";
  db.begin(study, provenance(), {trial_record("a", 1)});
  db.begin_search(other);
  db.add_candidate(changed);
  EXPECT_EQ(rows(), "a") << "the same search of a changed grid";
  db.end_search(1, {{0, "found"}}, {trial_record("found", 1)}, {});
  EXPECT_EQ(rows(), "a,found");
  study.searches = false;
  db.begin(study, provenance(), {trial_record("a", 1)});
  EXPECT_EQ(rows(), "a") << "a grid without search";
}

TEST_F(SearchRows, OfPartsTheLongerSearchIsMerged) {
  const auto longer = folder / "longer.sqlite";
  for (const auto& [name, count] : {std::pair(file, 1), std::pair(longer, 3)}) {
    random.seed(1);  // the same training in both
    ResultsDatabase db(name);
    db.begin(study_record(), provenance(), {trial_record("a", 1)});
    db.begin_search(search_record());
    for (int c = 0; c < count; ++c) {
      const CandidateRecord record = candidate(c, 0.2 + 0.2 * c, "step", 10);
      const auto states = db.add_candidate(record);
      for (std::size_t t = 0; t < 2; ++t) train(db, states[t].id, record.trials[t], {0.5});
    }
  }
  EXPECT_EQ(render_search({file, longer}, "csv"), render_search({longer}, "csv"));
  EXPECT_EQ(render_search({longer, file}, "csv"), render_search({longer}, "csv"));
  {
    ResultsDatabase db(file);
    db.begin(study_record(), provenance(), {trial_record("a", 1)});
    db.begin_search(search_record());
    db.end_search(1, {{0, "found"}}, {trial_record("found", 1)}, {});
  }
  EXPECT_EQ(render_search({longer, file}, "csv"), render_search({file}, "csv")) << "it has ended, the longer one not";
}

TEST_F(SearchRows, WhatTheSearchOfAnotherPartFoundIsNoRow) {
  const auto other = folder / "other.sqlite", longer = folder / "longer.sqlite", same = folder / "same.sqlite";
  struct Part {
    std::filesystem::path file;
    int candidates, best;
    std::uint64_t seed;  // of the row
  };
  for (const auto& [name, count, best, seed] :
       {Part{file, 2, 0, 1}, Part{other, 2, 1, 2}, Part{longer, 3, 1, 3}, Part{same, 2, 0, 4}}) {
    random.seed(1);
    ResultsDatabase db(name);
    db.begin(study_record(), provenance(), {trial_record("a", 1)});
    SearchRecord search = search_record();
    search.options = R"({"name": "found"})";
    db.begin_search(search);
    for (int c = 0; c < count; ++c) {
      CandidateRecord record = candidate(c, 0.2 + 0.2 * c, "step", 10);
      record.settings = "candidate " + std::to_string(c);
      const auto states = db.add_candidate(record);
      for (std::size_t t = 0; t < 2; ++t) train(db, states[t].id, record.trials[t], {0.5});
    }
    const TrialRecord row = trial_record("found", seed);
    train(db, db.end_search(count, {{best, "found"}}, {row}, {}).front().id, row, {0.5});
  }
  using Files = std::vector<std::filesystem::path>;
  const auto seeds = [](const Files& files) {
    SQLite::Database db = merge_study(files, "");
    return db
        .execAndGet(
            "SELECT group_concat(seed) FROM (SELECT t.seed FROM trial AS t JOIN variant AS v ON"
            " v.id = t.variant_id WHERE v.name = 'found' AND t.in_grid ORDER BY t.seed)")
        .getString();
  };
  EXPECT_EQ(seeds({file, same}), "1,4") << "both found the same";
  EXPECT_EQ(seeds({file, other}), "1") << "of equal searches the first";
  EXPECT_EQ(seeds({other, file}), "2");
  EXPECT_EQ(seeds({file, longer}), "3") << "which is the longer one";
  EXPECT_EQ(seeds({longer, file}), "3");
  EXPECT_EQ(seeds({other, longer}), "2,3");
}

TEST_F(SearchRows, AreMergedWithAStudysOtherParts) {
  const auto other = folder / "other.sqlite";
  for (const auto& [name, variant] : {std::pair(file, "a"), std::pair(other, "b")}) {
    ResultsDatabase db(name);
    const auto trials = db.begin(study_record(), provenance(), {trial_record(variant, 1)});
    if (name == file) continue;
    db.begin_search(search_record());
    const CandidateRecord record = candidate(0, 0.2, "step", 10);
    const auto states = db.add_candidate(record);
    for (std::size_t t = 0; t < 2; ++t) train(db, states[t].id, record.trials[t], {0.5});
  }
  EXPECT_THAT(error_of([&] { render_search({file}, "text"); }), HasSubstr("has no search"));
  EXPECT_EQ(render_search({file, other}, "csv"), render_search({other}, "csv"));
}

}  // namespace
}  // namespace crossfade::analysis
