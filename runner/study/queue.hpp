// The study's queue: rank 0 hands trials to groups as they fall free and is the one writer of the database.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "analysis/results/results.hpp"
#include "runner/process/interval.hpp"
#include "runner/ranks/communicator.hpp"
#include "runner/study/failed_trials.hpp"
#include "runner/study/messages.hpp"
#include "runner/study/progress.hpp"

namespace crossfade::runner {

/// A checkpoint on the way of a trial, from which others with it on theirs can go on: a stage's end, or a branch.
struct Milestone {
  std::string key;         // hash of the stage, or key of the branch
  int row = 0;             // of stage_rows()
  std::int64_t steps = 0;  // of that row, that are done there
  bool branch = false;
  bool leaves = true;  // this trial makes it when it comes there; false: nobody else begins from it
};

/// A trial as the queue knows it.
struct QueuedTrial {
  std::int64_t id = 0;  // in the database
  std::string name;     // for a person: variant and seed
  // Failed before, seed, fold: a study that is broken off has its rows whole as far as it came, and what ends it each
  // time is in nobody's way.
  std::tuple<bool, std::uint64_t, int> order{};
  std::int64_t steps = 0;  // of all its nets
  std::vector<Milestone> milestones{};
  bool finished = false, running = false;
  std::set<std::string> ahead{};  // keys of milestones that it will leave in this run
  TrialProgress last_epoch{};     // of this run
};

/// What the queue is to do.
struct QueuedStudy {
  std::vector<QueuedTrial> trials;
  std::vector<int> pending;                        // indices of those to be run
  std::set<std::string> there;                     // keys of milestones that can be begun from
  std::set<std::string> kept{};                    // that trials to come may begin from
  std::function<void(const std::string&)> drop{};  // is told the key of each milestone that no trial needs any more
  std::function<bool()> stop_requested{};          // once it says so, no further trial is handed out
};

/// How the trials handed out ended.
struct QueueSummary {
  int finished = 0, failed = 0, interrupted = 0;
};

/// Serves the leaders of groups on a thread of its own, so that rank 0 trains like any other rank, until each has been
/// told that no trial is left.
class QueueServer {
 public:
  /// `channel` must outlive the server; rank 0 and all leaders use the same one. `places`: of all
  /// groups, by leader (places_of_groups()). `database` and `display` belong to the server until finish() returns.
  /// `on_fatal` is called on the server's thread where the database can't be written: the study can't go on, and must
  /// not return.
  QueueServer(Communicator& channel, std::map<int, int> places, QueuedStudy study, analysis::ResultsDatabase& database,
              ProgressDisplay& display, std::function<void(const std::string&)> on_fatal);
  ~QueueServer();

  /// Waits until all groups are served.
  QueueSummary finish();

 private:
  void serve();
  void handle(const Message& message, int from);
  /// Answers the leaders that wait for a trial and can be given one by now, or none any more.
  void serve_waiting();
  void give(int worker, int trial);
  /// What the group led by `worker` is at: a trial of `study_`, or none.
  void note(int worker, int trial, const TrialProgress& progress = {});
  /// Takes the next trial out of the queue: by `order`, then the one with the most steps left. One with a milestone
  /// that a running trial is on its way to waits for it, and one that has failed in this place for another: nothing if
  /// there is nothing else to do, also as long as a running trial may yet fail. kNoTrial once all is done, or to stop.
  std::optional<int> take(int worker);
  bool is_to_stop() const;
  /// Stores that a trial failed, and puts it back where it is to be tried elsewhere.
  void fail(int index, int worker, const std::string& error);
  /// Keys of milestones that running trials are on their way to.
  std::set<std::string_view> on_the_way() const;
  std::int64_t steps_left(const QueuedTrial& trial) const;
  /// Drops the milestones that nobody needs any more once this trial has ended.
  void drop_needless(const QueuedTrial& finished);
  QueuedTrial& trial(int index) { return study_.trials[static_cast<std::size_t>(index)]; }

  Communicator& channel_;
  int groups_;
  QueuedStudy study_;
  std::map<std::string, int> needs_;  // of each milestone, the trials that have it on their way and are not finished
  analysis::ResultsDatabase& database_;
  ProgressDisplay& display_;
  std::function<void(const std::string&)> on_fatal_;
  std::map<int, analysis::ActivityRecord> workers_;  // by the leader's rank
  std::vector<int> waiting_;                         // leaders, in the order in which they asked
  Interval activity_{kActivity};
  QueueSummary summary_;
  FailedTrials failed_;
  std::set<std::string> warnings_;  // that were shown
  std::thread thread_;
};

/// A group leader's end. Calls return once the queue has stored what was said (a step is only shown, and not waited
/// for).
class QueueClient {
 public:
  /// `channel` must outlive the client.
  explicit QueueClient(Communicator& channel);

  /// The index of the next trial, once there is one that may begin, or kNoTrial.
  int next();
  void warning(const std::string& text);
  void step(int trial, const TrialProgress& progress);
  void epoch(int trial, const TrialProgress& progress, const analysis::EpochRecord& record);
  void stage(int trial, const analysis::StageResult& result);
  void branch(int trial, const std::string& key, BranchOutcome outcome);
  void ended(int trial, Ending ending, const std::string& error = {});

 private:
  std::string ask(const Message& message);
  Communicator& channel_;
};

}  // namespace crossfade::runner
