#include "analysis/results/results.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "analysis/results/database.hpp"
#include "analysis/tables/report.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

class Results : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path file = folder / "results.sqlite";
  std::mt19937 random{1};

  /// First column of the first row, as text; "NULL" for NULL.
  std::string ask(const std::string& sql) const {
    SQLite::Database db(file.string());
    SQLite::Statement query(db, sql);
    if (!query.executeStep()) return "no row";
    return query.getColumn(0).isNull() ? "NULL" : query.getColumn(0).getString();
  }
};

TEST_F(Results, BeginRegistersTrialsInTheGridsOrder) {
  ResultsDatabase db(file);
  const auto ids =
      db.begin(study_record(), provenance(), {trial_record("z", 1), trial_record("a", 1), trial_record("z", 2)});
  ASSERT_EQ(ids.size(), 3u);
  for (const auto& status : ids) {
    EXPECT_EQ(status.state, TrialState::kPending);
    EXPECT_EQ(status.attempts, 0);
  }
  EXPECT_EQ(ask("SELECT group_concat(variant) FROM table1"), "z,a");
  EXPECT_EQ(ask("SELECT trials FROM table1"), "0");
  EXPECT_EQ(ask("SELECT pretrained_dice FROM table1"), "NULL");
  EXPECT_EQ(ask("SELECT name FROM structure WHERE study_id = 1 AND id = 27"), "Right-VentralDC");
}

TEST_F(Results, BeginKeepsWhatIsKnownOfATrial) {
  const std::vector<TrialRecord> trials = {trial_record("a", 1), trial_record("b", 1), trial_record("c", 1),
                                           trial_record("d", 1)};
  {
    ResultsDatabase db(file);
    const auto ids = db.begin(study_record(), provenance(), trials);
    finish(db, ids[0].id, trials[0], random, 0.5);
    db.set_running(ids[1].id);  // and the process dies
    db.set_running(ids[2].id);
    db.set_running(ids[2].id);
    db.set_pending(ids[2].id, "no such file");
    EXPECT_EQ(ask("SELECT state || ': ' || error FROM trial WHERE id = " + std::to_string(ids[2].id)),
              "pending: no such file");
    db.set_running(ids[2].id);
    EXPECT_EQ(ask("SELECT error FROM trial WHERE id = " + std::to_string(ids[2].id)), "");
    db.set_failed(ids[2].id, "out of memory");
  }
  ResultsDatabase db(file);
  auto again = db.begin(study_record(), provenance(), {trials[3], trials[2], trials[1], trials[0]});
  EXPECT_EQ(again[3].state, TrialState::kFinished);
  EXPECT_EQ(again[2].state, TrialState::kInterrupted);
  EXPECT_EQ(again[2].attempts, 1);
  EXPECT_EQ(again[1].state, TrialState::kFailed);
  EXPECT_EQ(again[1].attempts, 3);
  EXPECT_EQ(again[1].error, "out of memory");
  EXPECT_EQ(again[0].state, TrialState::kPending);
  EXPECT_EQ(ask("SELECT group_concat(variant) FROM table1"), "d,c,b,a");
  EXPECT_EQ(ask("SELECT count(*) FROM provenance"), "2");
  EXPECT_EQ(ask("SELECT count(*) FROM study"), "1");
  EXPECT_EQ(ask("SELECT count(*) FROM epoch"), "4");  // of the finished one
}

TEST_F(Results, TrialsThatTheGridNoLongerHasLeaveTheViewsAndComeBack) {
  const std::vector<TrialRecord> trials = {trial_record("a", 1), trial_record("b", 1)};
  ResultsDatabase db(file);
  const auto ids = db.begin(study_record(), provenance(), trials);
  finish(db, ids[0].id, trials[0], random, 0.5);
  finish(db, ids[1].id, trials[1], random, 0.5);
  db.begin(study_record(), provenance(), {trials[1]});
  EXPECT_EQ(ask("SELECT group_concat(variant) FROM table1"), "b");
  EXPECT_EQ(ask("SELECT count(DISTINCT variant) FROM figure1"), "1");
  EXPECT_EQ(ask("SELECT count(*) FROM trial"), "2");
  EXPECT_EQ(db.begin(study_record(), provenance(), trials)[0].state, TrialState::kFinished);
  EXPECT_EQ(ask("SELECT group_concat(variant) FROM table1"), "a,b");
}

TEST_F(Results, ATrialFollowsItsVariantsNewName) {
  TrialRecord trial = trial_record("old name", 1);
  ResultsDatabase db(file);
  finish(db, db.begin(study_record(), provenance(), {trial})[0].id, trial, random, 0.5);
  trial.variant = "new name";  // the hash is of what is trained, not of what it is called
  EXPECT_EQ(db.begin(study_record(), provenance(), {trial})[0].state, TrialState::kFinished);
  EXPECT_EQ(ask("SELECT group_concat(variant) FROM table1"), "new name");
}

TEST_F(Results, RefuseWhatCantBeStored) {
  ResultsDatabase db(file);
  TrialRecord same = trial_record("b", 2);
  same.hash = trial_record("a", 1).hash;
  const std::string twice = error_of([&] { db.begin(study_record(), provenance(), {trial_record("a", 1), same}); });
  EXPECT_NE(twice.find("'a' (seed 1) and 'b' (seed 2) are the same trial"), std::string::npos) << twice;
  const std::string large =
      error_of([&] { db.begin(study_record(), provenance(), {trial_record("a", 9'223'372'036'854'775'808u)}); });
  EXPECT_NE(large.find("seed 9223372036854775808"), std::string::npos) << large;
  EXPECT_EQ(ask("SELECT count(*) FROM study"), "0");  // a refused call leaves nothing behind
  EXPECT_NE(error_of([&] { db.set_running(77); }).find("no such trial"), std::string::npos);
}

TEST_F(Results, AnEpochSaidAgainCountsWhereItIsNotRecorded) {
  ResultsDatabase db(file);
  const auto trials = db.begin(study_record(), provenance(), {trial_record("a", 1)});
  const auto say = [&](int number, double loss, bool again) {
    EpochRecord epoch = epoch_record(random, number, 0.5);
    epoch.loss = loss;
    epoch.again = again;
    epoch.seconds_shared = again ? 4 : 0;
    db.record_epoch(trials[0].id, epoch);
  };
  const std::string losses = "SELECT group_concat(epoch || ':' || loss) FROM (SELECT * FROM epoch ORDER BY epoch)";
  say(2, 0.2, false);
  say(1, 0.1, true);
  say(2, 0.3, true);
  EXPECT_EQ(ask(losses), "1:0.1,2:0.3") << "a hole, and what stood behind it";
  say(1, 0.4, true);
  say(2, 0.5, true);
  EXPECT_EQ(ask(losses), "1:0.1,2:0.3") << "known";
  EXPECT_EQ(ask("SELECT sum(seconds_shared) FROM figure1"), "8.0") << "of both";
}

TEST_F(Results, AnEpochOfOnePlaneLeavesTheOthersAsTheyAre) {
  TrialRecord trial = trial_record("a", 1);
  trial.stages.clear();
  for (const char* plane : {"axial", "coronal", "sagittal", "all"})
    trial.stages.push_back({.name = "pretrain",
                            .plane = plane,
                            .hash = trial.hash + plane,
                            .cohort = "phantom",
                            .labels = "automatic",
                            .epochs = 2,
                            .switches = {}});
  ResultsDatabase db(file);
  const auto id = db.begin(study_record(), provenance(), {trial})[0].id;
  for (int stage = 0; stage < 4; ++stage) {
    EpochRecord epoch = epoch_record(random, 1, 0.5);
    epoch.stage = stage;
    if (stage < 3) db.record_epoch(id, epoch);
  }
  for (int stage = 0; stage < 4; ++stage) {
    StageResult result;
    result.stage = stage;
    result.best_epoch = 1;
    db.record_stage(id, result);
  }
  EpochRecord again = epoch_record(random, 1, 0.6);
  again.stage = 1;
  db.record_epoch(id, again);
  EXPECT_EQ(ask("SELECT group_concat(plane || coalesce(best_epoch, '-')) FROM stage"),
            "axial1,coronal-,sagittal1,all-");
  EXPECT_EQ(ask("SELECT count(*) FROM epoch"), "3");
}

TEST_F(Results, AnEpochIsReplacedAndLaterOnesAreDropped) {
  TrialRecord trial = trial_record("a", 1);
  trial.stages.push_back(
      {.name = "finetune", .hash = "tuned", .cohort = "manual", .labels = "manual", .epochs = 2, .switches = {}});
  ResultsDatabase db(file);
  const auto id = db.begin(study_record(), provenance(), {trial})[0].id;
  finish(db, id, trial, random, 0.5);
  EXPECT_EQ(ask("SELECT count(*) FROM epoch"), "6");

  EpochRecord again = epoch_record(random, 3, 0.6);
  again.loss = 0.125;
  db.record_epoch(id, again);
  EXPECT_EQ(ask("SELECT group_concat(stage || epoch) FROM figure1"), "pretrain1,pretrain2,pretrain3");
  EXPECT_EQ(ask("SELECT loss FROM figure1 WHERE epoch = 3"), "0.125");
  EXPECT_EQ(ask("SELECT count(*) FROM dice"), std::to_string(3 * 27));
  EXPECT_EQ(ask("SELECT count(*) FROM epoch_term"), std::to_string(3 * 2));
  EXPECT_EQ(ask("SELECT count(*) FROM subject_score"), "0");  // results of a training that is no more
  EXPECT_EQ(ask("SELECT count(*) FROM stage WHERE best_epoch IS NOT NULL"), "0");
}

TEST_F(Results, AnEpochHasMeanAndPooledDice) {
  Counts a = no_counts(),
         b = no_counts();  // structure 1: Dice 2*10 / (2*10 + 20) = 0.5 and 2*30 / (2*30 + 20) = 0.75; pooled 80 / 120
  a.true_positive[1] = 10;
  a.false_positive[1] = 20;
  b.true_positive[1] = 30;
  b.false_negative[1] = 20;
  ResultsDatabase db(file);
  const auto id = db.begin(study_record(), provenance(), {trial_record("a", 1)})[0].id;
  EpochRecord epoch = epoch_record(random, 1, 0.5);
  epoch.validation = validation_dice(std::vector<SubjectCounts>{{"a", a}, {"b", b}});
  db.record_epoch(id, epoch);
  EXPECT_EQ(ask("SELECT dice_mean FROM epoch"), "0.625");
  EXPECT_EQ(ask("SELECT abs(dice_pooled - 2.0 / 3) < 1e-15 FROM epoch"), "1");
  EXPECT_EQ(ask("SELECT count(*) FROM dice WHERE dice IS NULL"), "26");
  EXPECT_EQ(ask("SELECT true_positive FROM dice WHERE structure_id = 1"), "40");
}

TEST_F(Results, WaitForWhoeverHoldsTheFileAndSaySo) {
  SQLite::Database other(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  std::vector<std::string> said;
  int let_go_after = 2;
  std::optional<SQLite::Statement> query;
  bool go_on = true;
  ResultsDatabase db(file, {.milliseconds = 20, .times = 5, .go_on = [&](const std::string& waiting) {
                              said.push_back(waiting);
                              if (static_cast<int>(said.size()) == let_go_after) query.reset();
                              return go_on;
                            }});
  const auto id = db.begin(study_record(), provenance(), {trial_record("a", 1)})[0].id;
  query.emplace(other, "SELECT * FROM structure");
  ASSERT_TRUE(query->executeStep()) << "half read: the file is held";
  db.record_epoch(id, epoch_record(random, 1, 0.5));
  EXPECT_EQ(said.size(), 2u);
  EXPECT_NE(said[0].find(file.string() + "': another program has held it"), std::string::npos) << said[0];
  EXPECT_EQ(ask("SELECT count(*) FROM epoch"), "1");
  EXPECT_EQ(ask("SELECT count(*) FROM dice"), "27") << "once";

  let_go_after = 100;
  said.clear();
  query.emplace(other, "SELECT * FROM structure");
  ASSERT_TRUE(query->executeStep());
  EXPECT_NE(error_of([&] { db.record_epoch(id, epoch_record(random, 2, 0.5)); }).find("recording epoch 2"),
            std::string::npos);
  EXPECT_EQ(said.size(), 4u) << "five times";
  go_on = false;
  EXPECT_NE(error_of([&] { db.record_epoch(id, epoch_record(random, 2, 0.5)); }), "");
  EXPECT_EQ(said.size(), 5u) << "once more";
  query.reset();
  EXPECT_EQ(ask("SELECT count(*) FROM epoch"), "1");
  db.record_epoch(id, epoch_record(random, 2, 0.5));
  EXPECT_EQ(ask("SELECT count(*) FROM epoch"), "2");
}

TEST_F(Results, NumbersThatAreNotFiniteAreNull) {
  ResultsDatabase db(file);
  const auto id = db.begin(study_record(), provenance(), {trial_record("a", 1)})[0].id;
  EpochRecord epoch = epoch_record(random, 1, 0.5);
  epoch.loss = std::numeric_limits<double>::infinity();
  epoch.terms[0].value = std::numeric_limits<double>::quiet_NaN();
  db.record_epoch(id, epoch);
  EXPECT_EQ(ask("SELECT loss FROM epoch"), "NULL");
  EXPECT_EQ(ask("SELECT value FROM epoch_term WHERE term = 'wce'"), "NULL");
}

TEST_F(Results, WithoutACheckpointEmptyCountsScoreZero) {
  ResultsDatabase db(file);
  const auto id = db.begin(study_record(), provenance(), {trial_record("a", 1)})[0].id;
  db.record_stage(id, {.stage = 0,
                       .best_epoch = 0,
                       .best_dice = 0,
                       .stopped = "loss wdice not finite at step 3",
                       .validation = {{"v", {}}},
                       .test = {{"s", {}}}});
  db.set_finished(id);
  EXPECT_EQ(ask("SELECT pretrained_dice FROM table1"), "0.0");
  EXPECT_EQ(ask("SELECT converged FROM table1"), "0");
  EXPECT_EQ(ask("SELECT trials FROM table1"), "1");
}

TEST_F(Results, ATrialIsNotFinishedBeforeAllItsStagesHaveResults) {
  ResultsDatabase db(file);
  const auto id = db.begin(study_record(), provenance(), {trial_record("a", 1)})[0].id;
  const std::string error = error_of([&] { db.set_finished(id); });
  EXPECT_NE(error.find("stage 'pretrain' has no result"), std::string::npos) << error;
  EXPECT_EQ(ask("SELECT state FROM trial"), "pending");
}

TEST_F(Results, TheLatestStudyIsReportedAndOthersByName) {
  ResultsDatabase db(file);
  db.begin(study_record("first"), provenance(), {trial_record("a", 1)});
  db.begin(study_record("second"), provenance(), {trial_record("a", 1)});  // a trial of its own
  EXPECT_NE(render_table1({file}, "json").find("\"study\": \"second\""), std::string::npos);
  EXPECT_NE(render_table1({file}, "json", "first").find("\"study\": \"first\""), std::string::npos);
  db.begin(study_record("first"), provenance(), {trial_record("a", 1)});
  EXPECT_NE(render_table1({file}, "json").find("\"study\": \"first\""), std::string::npos);
  const std::string error = error_of([&] { render_table1({file}, "text", "third"); });
  EXPECT_NE(error.find("no study 'third'; there is 'first', 'second'"), std::string::npos) << error;
}

TEST_F(Results, RefuseAFileThatIsNoDatabase) {
  std::ofstream(file) << "study: table1\nvariants: none of these is a database, but long enough to look at\n";
  for (const auto& error :
       {error_of([&] { ResultsDatabase db(file); }), error_of([&] { render_table1({file}, "text"); })}) {
    EXPECT_NE(error.find(file.string()), std::string::npos) << error;
    EXPECT_NE(error.find("not a database"), std::string::npos) << error;
  }
  EXPECT_NE(read_text(file).find("study: table1"), std::string::npos);  // untouched
}

TEST_F(Results, RefuseADatabaseOfAnotherProgram) {
  SQLite::Database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE bookmarks (url TEXT)");
  for (const auto& error :
       {error_of([&] { ResultsDatabase db(file); }), error_of([&] { render_table1({file}, "text"); })})
    EXPECT_NE(error.find("not a results database of Crossfade"), std::string::npos) << error;
}

TEST_F(Results, RefuseAnotherSchemaVersion) {
  { ResultsDatabase db(file); }
  SQLite::Database(file.string(), SQLite::OPEN_READWRITE)
      .exec("PRAGMA user_version = " + std::to_string(kSchemaVersion + 1));
  for (const auto& error :
       {error_of([&] { ResultsDatabase db(file); }), error_of([&] { render_table1({file}, "text"); })})
    EXPECT_NE(error.find("has schema version " + std::to_string(kSchemaVersion + 1) + ", this program"),
              std::string::npos)
        << error;
}

TEST_F(Results, ReadButDoNotWriteAnOlderVersion) {
  {
    ResultsDatabase db(file);
    db.begin(study_record(), provenance(), {trial_record("a", 1)});
  }
  SQLite::Database(file.string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 1");
  EXPECT_NE(render_table1({file}, "text").find("made-up"), std::string::npos);
  const std::string error = error_of([&] { ResultsDatabase db(file); });
  EXPECT_NE(error.find("has schema version 1, this program writes versions 3 to " + std::to_string(kSchemaVersion)),
            std::string::npos)
      << error;
}

TEST_F(Results, RenewTheViewsOfAFileOfThisVersion) {
  write_made_up_study(file);
  const std::string before = render_table1({file}, "csv");
  SQLite::Database(file.string(), SQLite::OPEN_READWRITE)
      .exec("DROP VIEW early_stage; DROP VIEW table1; CREATE VIEW table1 AS SELECT name AS variant FROM variant");
  { ResultsDatabase db(file); }
  EXPECT_EQ(ask("SELECT count(ended_early) = count(*) FROM table1"), "1");
  EXPECT_EQ(render_table1({file}, "csv"), before);
}

TEST_F(Results, KeepSecondsOfAnEpochWhereTheyAreKnown) {
  ResultsDatabase db(file);
  const auto id = db.begin(study_record(), provenance(), {trial_record("a", 1)})[0].id;
  EpochRecord epoch = epoch_record(random, 1, 0.5);
  db.record_epoch(id, epoch);
  epoch.epoch = 2;
  epoch.overhead = {.checkpoint = 0.5, .communication = 0.375, .buckets = 0, .loss_sums = 0.25, .norm_sums = 0.125};
  db.record_epoch(id, epoch);
  const std::string columns[] = {"seconds_checkpoint", "seconds_communication", "seconds_buckets", "seconds_loss_sums",
                                 "seconds_norm_sums"};
  const std::string known[] = {"0.5", "0.375", "0.0", "0.25", "0.125"};
  for (std::size_t i = 0; i < std::size(columns); ++i) {
    EXPECT_EQ(ask("SELECT " + columns[i] + " FROM figure1 WHERE epoch = 1"), "NULL");
    EXPECT_EQ(ask("SELECT " + columns[i] + " FROM figure1 WHERE epoch = 2"), known[i]) << columns[i];
  }
}

TEST_F(Results, KeepHowLongScoringTookAsLongAsTheScoresStand) {
  ResultsDatabase db(file);
  const auto id = db.begin(study_record(), provenance(), {trial_record("a", 1)})[0].id;
  StageResult result{.stage = 0, .best_epoch = 1, .best_dice = 0.5, .stopped = "", .validation = {}, .test = {}};
  db.record_stage(id, result);
  EXPECT_EQ(ask("SELECT seconds_score FROM stage"), "NULL");
  result.seconds_score = 2.5;
  db.record_stage(id, result);
  EXPECT_EQ(ask("SELECT seconds_score FROM stage"), "2.5");
  db.record_epoch(id, epoch_record(random, 2, 0.5));
  EXPECT_EQ(ask("SELECT seconds_score FROM stage"), "NULL");
}

TEST_F(Results, KeepHowLongASubjectTook) {
  ResultsDatabase db(file);
  const auto ids = db.begin(study_record(), provenance(), {trial_record("a", 1), trial_record("a", 2)});
  for (const std::size_t t : {0u, 1u}) {
    StageResult result{.stage = 0, .best_epoch = 1, .best_dice = 0.5, .stopped = "", .validation = {}, .test = {}};
    result.test = {{"anna", no_counts()}, {"bert", no_counts()}};
    for (SubjectCounts& subject : result.test) subject.counts.true_positive[1] = 1;
    result.seconds = {60.0 + 60 * static_cast<double>(t), 300};
    db.record_stage(ids[t].id, result);
    db.record_stage(ids[t].id, result);  // in place of the former
    db.set_finished(ids[t].id);
  }
  // Per subject over seeds, then over subjects: (90 + 300) / 2 = 195 s.
  const auto row = nlohmann::json::parse(render_metrics({file}, "json"))["rows"][0];
  EXPECT_EQ(row["seconds"], 195);
  EXPECT_NE(render_metrics({file}, "text").find("3.2 min"), std::string::npos);
}

TEST_F(Results, RefuseAPathThatCantBeWritten) {
  // /proc is read-only even for root.
  for (const std::string path : {"/proc/results.sqlite", "/no/such/folder/results.sqlite"}) {
    const std::string error = error_of([&] { ResultsDatabase db(path); });
    EXPECT_NE(error.find("results database '" + path + "'"), std::string::npos) << error;
  }
}

/// Root may write anything: for the length of a test it becomes somebody else.
struct WithoutRoot {
  WithoutRoot() { EXPECT_TRUE(!root || seteuid(65534) == 0); }
  ~WithoutRoot() { EXPECT_TRUE(!root || seteuid(0) == 0); }
  const bool root = geteuid() == 0;
};

TEST_F(Results, RefuseAReadOnlyFileButReportIt) {
  { ResultsDatabase(file).begin(study_record(), provenance(), {trial_record("a", 1)}); }
  chmod(file.c_str(), 0444);
  chmod(folder.path.c_str(), 0555);
  {
    const WithoutRoot somebody;
    EXPECT_NE(error_of([&] { ResultsDatabase db(file); }).find("can't be written to"), std::string::npos);
    EXPECT_NE(render_table1({file}, "text").find("0 of 1 trials finished"), std::string::npos);
  }
  chmod(folder.path.c_str(), 0755);
}

TEST_F(Results, AReaderNeedsAFileThatIsThere) {
  EXPECT_NE(error_of([&] { render_table1({file}, "text"); }).find("does not exist"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace crossfade::analysis
