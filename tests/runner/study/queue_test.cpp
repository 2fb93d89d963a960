#include "runner/study/queue.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/runner/study/queued_study.hpp"
#include "tests/runner/world_of_one.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

using testing::ElementsAre;

/// A database with so many trials, and a queue over them on a channel of its own.
class Queue : public testing::Test {
 protected:
  /// The order in which one group is given the trials, each of which it ends.
  std::vector<int> serve(QueuedStudy study) {
    register_trials(study, database_);
    const auto trials = static_cast<int>(study.trials.size());
    Communicator channel = world_of_one().communicator().duplicate();
    ProgressDisplay display(trials, 0, false);
    QueueServer server(channel, {{0, 0}}, std::move(study), database_, display,
                       [](const std::string& error) { FAIL() << error; });
    QueueClient client(channel);
    std::vector<int> given;
    for (int next = client.next(); next != kNoTrial; next = client.next()) {
      given.push_back(next);
      client.ended(next, Ending::kFinished);
    }
    EXPECT_EQ(server.finish().finished, static_cast<int>(given.size()));
    return given;
  }

  std::string states() const {
    SQLite::Database db(file_.string());
    SQLite::Statement query(db, "SELECT group_concat(state) FROM (SELECT state FROM trial ORDER BY id)");
    query.executeStep();
    return query.getColumn(0).getString();
  }

 private:
  const TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "results.sqlite";
  analysis::ResultsDatabase database_{file_};
};

TEST_F(Queue, GivesTrialsBySeedAndFoldAndThenTheOneWithTheMostStepsLeft) {
  QueuedStudy study{.trials = {{.name = "of a later seed", .order = {false, 2, 0}, .steps = 100},
                               {.name = "short", .order = {false, 1, 0}, .steps = 10},
                               {.name = "long", .order = {false, 1, 0}, .steps = 30},
                               {.name = "nearly trained",
                                .order = {false, 1, 0},
                                .steps = 35,
                                .milestones = {{.key = "there", .row = 0, .steps = 30, .branch = true}}},
                               {.name = "of a later fold", .order = {false, 1, 1}, .steps = 90},
                               {.name = "failed before", .order = {true, 1, 0}, .steps = 200}},
                    .pending = {},
                    .there = {"there"}};
  EXPECT_THAT(serve(std::move(study)), ElementsAre(2, 1, 3, 4, 0, 5));
}

TEST_F(Queue, GivesNoFurtherTrialOnceItIsToStop) {
  int asked = 0;
  QueuedStudy study{.trials = {{.name = "one"}, {.name = "two"}, {.name = "three"}}, .pending = {}, .there = {}};
  study.stop_requested = [&] { return ++asked == 2; };
  EXPECT_THAT(serve(std::move(study)), ElementsAre(0));
  EXPECT_EQ(states(), "finished,pending,pending");
}

// Where it was finished first, a run killed in between would leave what nobody drops any more: the next one counts what
// trials that are not finished need.
TEST_F(Queue, DropsABranchOnceNobodyElseNeedsItAndBeforeTheLastThatDidIsFinished) {
  std::vector<std::string> dropped;
  QueuedStudy study{.trials = {}, .pending = {}, .there = {"branch"}};
  for (int t = 0; t < 2; ++t)
    study.trials.push_back(
        {.name = "trial", .steps = 10, .milestones = {{.key = "branch", .row = 0, .steps = 5, .branch = true}}});
  study.drop = [&](const std::string& key) { dropped.push_back(key + ": " + states()); };
  serve(std::move(study));
  EXPECT_THAT(dropped, ElementsAre("branch: finished,running"));
  EXPECT_EQ(states(), "finished,finished");
}

}  // namespace
}  // namespace crossfade::runner
