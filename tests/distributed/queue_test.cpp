// The queue with a group on every rank.
#include "runner/study/queue.hpp"

#include <gtest/gtest.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/distributed/world.hpp"
#include "tests/runner/study/queued_study.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

class QueueOfAllRanks : public testing::Test {
 protected:
  QueueOfAllRanks() {
    if (world_.rank() == 0) own_.emplace();
    folder_ = world_.broadcast(own_ ? own_->path.string() : "", 0);
  }
  ~QueueOfAllRanks() override { world_.barrier(); }  // nobody looks into a folder that rank 0 has removed

  bool is_last() const { return world_.rank() == world_.size() - 1; }

  /// Every rank takes trials and does `train` with each, until there is none. What the queue says at the end, on rank
  /// 0.
  template <class Train>
  QueueSummary serve(QueuedStudy study, Train train) {
    std::optional<ProgressDisplay> display;
    std::optional<QueueServer> server;
    if (world_.rank() == 0) {
      register_trials(study, database_.emplace(folder_ / "r.sqlite"));
      display.emplace(static_cast<int>(study.trials.size()), 0, false);
      std::map<int, int> places;
      for (int rank = 0; rank < world_.size(); ++rank) places[rank] = rank;
      server.emplace(channel_, places, std::move(study), *database_, *display, [](const std::string& error) {
        std::cerr << error << '\n';
        std::abort();  // leaders would wait for good
      });
    }
    QueueClient client(channel_);
    for (int next = client.next(); next != kNoTrial; next = client.next()) train(client, next);
    return server ? server->finish() : QueueSummary{};
  }

  std::string ask(const std::string& sql) const {
    SQLite::Database db((folder_ / "r.sqlite").string());
    return db.execAndGet(sql).getString();
  }

  Communicator& world_ = test_world().communicator();
  Communicator channel_ = world_.duplicate();
  std::optional<TemporaryFolder> own_;
  fs::path folder_;

 private:
  std::optional<analysis::ResultsDatabase> database_;
};

QueuedStudy study_of(int trials) {
  QueuedStudy study;
  for (int t = 0; t < trials; ++t) study.trials.push_back({.name = "trial " + std::to_string(t)});
  return study;
}

TEST_F(QueueOfAllRanks, GivesWhatFailsOnOneToAnother) {
  const int trials = 2 * world_.size();
  bool first = true;
  const QueueSummary summary = serve(study_of(trials), [&](QueueClient& client, int trial) {
    if (std::exchange(first, false)) world_.barrier();  // each has one
    if (is_last())
      client.ended(trial, Ending::kFailed, "no such file");
    else
      client.ended(trial, Ending::kFinished);
  });
  if (world_.rank() != 0) return;
  const int failed = world_.size() == 1 ? trials : 0;
  EXPECT_EQ(summary.failed, failed);
  EXPECT_EQ(summary.finished, trials - failed);
  EXPECT_EQ(ask("SELECT count(*) FROM trial WHERE state = 'failed' AND error = 'no such file'"),
            std::to_string(failed));
  EXPECT_EQ(ask("SELECT count(*) FROM trial WHERE state = 'finished' AND error = ''"), std::to_string(trials - failed));
  EXPECT_EQ(ask("SELECT max(attempts) FROM trial"), world_.size() == 1 ? "1" : "2");
}

TEST_F(QueueOfAllRanks, TriesWhatFailsTwiceAtMostAlsoTheLast) {
  const QueueSummary summary = serve(study_of(3), [](QueueClient& client, int trial) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // others have nothing to do by then
    client.ended(trial, Ending::kFailed, "out of memory");
  });
  if (world_.rank() != 0) return;
  EXPECT_EQ(summary.failed, 3);
  EXPECT_EQ(ask("SELECT group_concat(state || attempts) FROM trial"),
            world_.size() == 1 ? "failed1,failed1,failed1" : "failed2,failed2,failed2");
}

TEST_F(QueueOfAllRanks, LetsATrialWaitForTheBranchThatAnotherLeaves) {
  QueuedStudy study = study_of(2);
  for (QueuedTrial& trial : study.trials) {
    trial.steps = 10;
    trial.milestones = {{.key = "branch", .row = 0, .steps = 5, .branch = true}};
  }
  study.trials[0].steps = 20;  // goes first
  serve(std::move(study), [&](QueueClient& client, int trial) {
    const fs::path left = folder_ / "left";
    if (trial == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      std::ofstream(left).put('.');
      client.branch(trial, "branch", BranchOutcome::kLeft);
    } else {
      EXPECT_TRUE(fs::exists(left));
    }
    client.ended(trial, Ending::kFinished);
  });
  if (world_.rank() != 0) return;
  EXPECT_EQ(ask("SELECT group_concat(state) FROM trial"), "finished,finished");
}

// The first one's patience ends on the way to where all three part. One goes on from there, and the last waits for it.
TEST_F(QueueOfAllRanks, LetsATrialWaitForABranchThatWasLeftEarlyUntilItIsLeft) {
  QueuedStudy study = study_of(3);
  for (QueuedTrial& trial : study.trials) {
    trial.steps = 10;
    trial.milestones = {{.key = "branch", .row = 0, .steps = 5, .branch = true}};
  }
  study.trials[0].steps = 30;
  study.trials[1].steps = 20;
  serve(std::move(study), [&](QueueClient& client, int trial) {
    const fs::path left = folder_ / "left";
    if (trial == 0) client.branch(trial, "branch", BranchOutcome::kLeftEarly);
    if (trial == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      std::ofstream(left).put('.');
      client.branch(trial, "branch", BranchOutcome::kLeft);
    }
    EXPECT_TRUE(trial != 2 || fs::exists(left));
    client.ended(trial, Ending::kFinished);
  });
  if (world_.rank() != 0) return;
  EXPECT_EQ(ask("SELECT group_concat(state) FROM trial"), "finished,finished,finished");
}

TEST_F(QueueOfAllRanks, GivesNothingAnyMoreOnceATrialIsInterrupted) {
  QueuedStudy study = study_of(2);
  for (QueuedTrial& trial : study.trials)
    trial.milestones = {{.key = "branch", .row = 0, .steps = 5, .branch = true}};  // the second waits for the first
  std::vector<int> given;
  const QueueSummary summary = serve(std::move(study), [&](QueueClient& client, int trial) {
    given.push_back(trial);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    client.ended(trial, Ending::kInterrupted);
  });
  EXPECT_LE(given.size(), 1U);
  if (world_.rank() != 0) return;
  EXPECT_EQ(summary.interrupted, 1);
  EXPECT_EQ(ask("SELECT group_concat(state) FROM trial"), "interrupted,pending");
}

TEST_F(QueueOfAllRanks, DoesNotTryAgainWhatFailsAfterAnInterruption) {
  const int trials = world_.size() + 1;
  bool first = true;
  const QueueSummary summary = serve(study_of(trials), [&](QueueClient& client, int trial) {
    ASSERT_TRUE(std::exchange(first, false)) << "none behind the interruption";
    world_.barrier();  // each has one
    if (world_.rank() == 0) client.ended(trial, Ending::kInterrupted);
    world_.barrier();
    if (world_.rank() != 0) client.ended(trial, Ending::kFailed, "killed");
  });
  if (world_.rank() != 0) return;
  EXPECT_EQ(summary.interrupted, 1);
  EXPECT_EQ(summary.failed, world_.size() - 1);
  EXPECT_EQ(ask("SELECT count(*) FROM trial WHERE state = 'pending'"), "1");
}

}  // namespace
}  // namespace crossfade::runner
