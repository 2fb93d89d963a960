#include "runner/study/queue.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <map>
#include <utility>

namespace crossfade::runner {
namespace {

constexpr int kToQueue = 1;
constexpr int kToLeader = 2;
constexpr auto kPause = std::chrono::milliseconds(2);  // a waiting server must not take a core from training

std::map<std::string, int> needs_of(const std::vector<QueuedTrial>& trials) {
  std::map<std::string, int> needs;
  for (const QueuedTrial& trial : trials)
    for (const Milestone& milestone : trial.milestones)
      if (!trial.finished) ++needs[milestone.key];
  return needs;
}

}  // namespace

QueueServer::QueueServer(Communicator& channel, std::map<int, int> places, QueuedStudy study,
                         analysis::ResultsDatabase& database, ProgressDisplay& display,
                         std::function<void(const std::string&)> on_fatal)
    : channel_(channel),
      groups_(static_cast<int>(places.size())),
      study_(std::move(study)),
      needs_(needs_of(study_.trials)),
      database_(database),
      display_(display),
      on_fatal_(std::move(on_fatal)),
      failed_(std::move(places)),
      thread_([this] { serve(); }) {}

QueueServer::~QueueServer() {
  if (thread_.joinable()) thread_.join();
}

QueueSummary QueueServer::finish() {
  thread_.join();
  return summary_;
}

void QueueServer::serve() {
  try {
    while (groups_ > 0) {
      if (!workers_.empty() && activity_.passed()) {
        std::vector<analysis::ActivityRecord> workers;
        for (const auto& [rank, worker] : workers_) workers.push_back(worker);
        database_.record_activity(workers);
      }
      if (const auto received = channel_.poll(kToQueue)) {
        handle(decode(received->text), received->from);
      } else {
        if (!waiting_.empty() && is_to_stop()) serve_waiting();
        std::this_thread::sleep_for(kPause);
      }
    }
  } catch (const std::exception& error) {
    on_fatal_(error.what());
  }
}

std::set<std::string_view> QueueServer::on_the_way() const {
  std::set<std::string_view> keys;
  for (const QueuedTrial& trial : study_.trials)
    if (trial.running)
      std::ranges::copy_if(trial.ahead, std::inserter(keys, keys.end()),
                           [&](const std::string& key) { return !study_.there.contains(key); });
  return keys;
}

std::int64_t QueueServer::steps_left(const QueuedTrial& trial) const {
  std::map<int, std::int64_t> done;  // of each row
  for (const Milestone& milestone : trial.milestones)
    if (study_.there.contains(milestone.key)) done[milestone.row] = std::max(done[milestone.row], milestone.steps);
  std::int64_t left = trial.steps;
  for (const auto& [row, steps] : done) left -= steps;
  return left;
}

std::optional<int> QueueServer::take(int worker) {
  const bool any_left = !study_.pending.empty() || std::ranges::any_of(study_.trials, &QueuedTrial::running);
  if (is_to_stop() || !any_left) return kNoTrial;
  const std::set<std::string_view> ahead = on_the_way();
  const auto waits = [&](const QueuedTrial& of) {
    return std::ranges::any_of(of.milestones, [&](const Milestone& m) { return ahead.contains(m.key); });
  };
  using Rank = std::tuple<decltype(QueuedTrial::order), std::int64_t, int>;
  std::optional<Rank> first;
  for (const int index : study_.pending) {
    const QueuedTrial& candidate = trial(index);
    if (!failed_.may_take(index, worker) || waits(candidate)) continue;
    const Rank rank{candidate.order, -steps_left(candidate), index};
    if (!first || rank < *first) first = rank;
  }
  if (!first) return std::nullopt;
  const int index = std::get<int>(*first);
  std::erase(study_.pending, index);
  return index;
}

bool QueueServer::is_to_stop() const {
  // Whoever interrupts one trial wants the study to end.
  return summary_.interrupted > 0 || (study_.stop_requested && study_.stop_requested());
}

void QueueServer::serve_waiting() {
  for (std::size_t w = 0; w < waiting_.size();) {
    const int worker = waiting_[w];
    if (const std::optional<int> next = take(worker)) {
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(w));
      give(worker, *next);
      w = 0;  // one less to wait for may be what another waits for
    } else {
      if (failed_.none()) return;  // nor is there one for the others
      ++w;
    }
  }
}

void QueueServer::give(int worker, int next) {
  if (next == kNoTrial) --groups_;
  note(worker, next);
  if (next >= 0) {
    QueuedTrial& begun = trial(next);
    begun.running = true;
    if (failed_.contains(next)) --summary_.failed;  // tried once more
    for (const Milestone& milestone : begun.milestones)
      if (milestone.leaves) begun.ahead.insert(milestone.key);
    database_.set_running(begun.id);
  }
  channel_.send(std::to_string(next), worker, kToLeader);
}

void QueueServer::drop_needless(const QueuedTrial& finished) {
  for (const Milestone& milestone : finished.milestones)
    if (--needs_.at(milestone.key) == 0 && study_.drop && !study_.kept.contains(milestone.key))
      study_.drop(milestone.key);
}

void QueueServer::note(int worker, int index, const TrialProgress& progress) {
  workers_[worker] = {.worker = worker,
                      .doing = index < 0 ? "waiting" : "training",
                      .trial = index < 0 ? 0 : trial(index).id,
                      .stage = progress.stage,
                      .epoch = progress.epoch,
                      .epochs = progress.epochs,
                      .step = progress.step,
                      .steps = progress.steps,
                      .loss = progress.loss,
                      .images_per_second = progress.images_per_second};
}

void QueueServer::fail(int index, int worker, const std::string& error) {
  QueuedTrial& of = trial(index);
  ++summary_.failed;
  const bool again = failed_.failed(index, worker) && !is_to_stop();
  if (!again) {
    database_.set_failed(of.id, error);
    display_.ended(index, of.name, "failed: " + error);
    return;
  }
  database_.set_pending(of.id, error);
  study_.pending.push_back(index);
  display_.left(index, of.name + ": failed on the group of rank " + std::to_string(worker) +
                           ", is tried once more elsewhere: " + error);
}

void QueueServer::handle(const Message& message, int from) {
  if (std::holds_alternative<NextTrial>(message)) {
    note(from, kNoTrial);
    waiting_.push_back(from);
    serve_waiting();
    return;
  }
  if (const auto* step = std::get_if<Step>(&message)) {
    display_.step(step->trial, trial(step->trial).name, step->progress);
    note(from, step->trial, step->progress);
    return;
  } else if (const auto* epoch = std::get_if<Epoch>(&message)) {
    QueuedTrial& of = trial(epoch->trial);
    database_.record_epoch(of.id, epoch->record);
    if (!epoch->record.again) {
      of.last_epoch = epoch->progress;
      display_.epoch(epoch->trial, of.name, epoch->progress);
    }
  } else if (const auto* stage = std::get_if<Stage>(&message)) {
    QueuedTrial& of = trial(stage->trial);
    database_.record_stage(of.id, stage->result);
    for (const Milestone& milestone : of.milestones) {
      if (milestone.row != stage->result.stage) continue;
      of.ahead.erase(milestone.key);
      if (!milestone.branch && stage->result.best_epoch > 0) study_.there.insert(milestone.key);
    }
    const TrialProgress& last = of.last_epoch;
    if (!stage->result.stopped.empty()) {
      display_.warn(of.name + ": " + stage->result.stopped);
    } else if (last.stage == stage->result.stage && last.epoch < last.epochs) {
      display_.info(of.name + "  out of patience after epoch " + std::to_string(last.epoch) + " of " +
                    std::to_string(last.epochs) + "; the best was epoch " + std::to_string(stage->result.best_epoch));
    }
  } else if (const auto* branch = std::get_if<BranchMet>(&message)) {
    trial(branch->trial).ahead.erase(branch->key);
    if (branch->outcome == BranchOutcome::kLeft) study_.there.insert(branch->key);
  } else if (const auto* warning = std::get_if<Warning>(&message)) {
    if (warnings_.insert(warning->text).second) display_.warn(warning->text);
  } else if (const auto* ended = std::get_if<Ended>(&message)) {
    QueuedTrial& of = trial(ended->trial);
    const bool was_running = std::exchange(of.running, false);
    of.ahead.clear();
    switch (ended->ending) {
      case Ending::kFinished:
        drop_needless(of);  // first: what a killed run had still to drop, nobody would
        database_.set_finished(of.id);
        ++summary_.finished;
        display_.ended(ended->trial, of.name, "finished");
        break;
      case Ending::kInterrupted:
        database_.set_interrupted(of.id);
        ++summary_.interrupted;
        display_.interrupted(ended->trial, of.name);
        break;
      case Ending::kFailed:
        fail(ended->trial, from, ended->error);
        break;
      case Ending::kFailedWithTheRun:  // several ranks may say so; nobody is to begin another trial
        if (was_running) database_.set_failed(of.id, ended->error);
        channel_.send("", from, kToLeader);
        return;
    }
  }
  channel_.send("", from, kToLeader);
  if (!waiting_.empty()) serve_waiting();
}

QueueClient::QueueClient(Communicator& channel) : channel_(channel) {}

std::string QueueClient::ask(const Message& message) {
  channel_.send(encode(message), 0, kToQueue);
  return channel_.receive(0, kToLeader).text;
}

int QueueClient::next() {
  return std::stoi(ask(NextTrial{}));
}

void QueueClient::warning(const std::string& text) {
  ask(Warning{text});
}

void QueueClient::step(int trial, const TrialProgress& progress) {
  channel_.send(encode(Step{trial, progress}), 0, kToQueue);
}

void QueueClient::epoch(int trial, const TrialProgress& progress, const analysis::EpochRecord& record) {
  ask(Epoch{trial, progress, record});
}

void QueueClient::stage(int trial, const analysis::StageResult& result) {
  ask(Stage{trial, result});
}

void QueueClient::branch(int trial, const std::string& key, BranchOutcome outcome) {
  ask(BranchMet{trial, key, outcome});
}

void QueueClient::ended(int trial, Ending ending, const std::string& error) {
  ask(Ended{trial, ending, error});
}

}  // namespace crossfade::runner
