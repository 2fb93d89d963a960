#include "runner/study/queue.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/runner/world_of_one.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

using testing::ElementsAre;

std::string states_in(const std::filesystem::path& file) {
  SQLite::Database db(file.string());
  SQLite::Statement query(db, "SELECT group_concat(state) FROM (SELECT state FROM trial ORDER BY id)");
  query.executeStep();
  return query.getColumn(0).getString();
}

// Where it was finished first, a run killed in between would leave what nobody drops any more: the next one counts what
// trials that are not finished need.
TEST(Queue, DropsABranchOnceNobodyElseNeedsItAndBeforeTheLastThatDidIsFinished) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "results.sqlite";
  analysis::ResultsDatabase database(file);
  const auto trial = [](std::uint64_t seed) {
    return analysis::TrialRecord{.hash = std::to_string(seed),
                                 .variant = "a",
                                 .model = "net",
                                 .loss = "w-CE",
                                 .seed = seed,
                                 .config = "{}",
                                 .stages = {}};
  };
  analysis::Provenance provenance;
  provenance.libraries = provenance.data_hash = "{}";
  const std::vector<analysis::TrialStatus> known = database.begin(
      {.name = "study", .caption = {}, .grid_text = {}, .grid_hash = {}}, provenance, {trial(1), trial(2)});
  std::vector<std::string> dropped;
  QueuedStudy study{.trials = {}, .pending = {0, 1}, .there = {"branch"}};
  for (const analysis::TrialStatus& status : known)
    study.trials.push_back({.id = status.id,
                            .name = "trial",
                            .steps = 10,
                            .milestones = {{.key = "branch", .row = 0, .steps = 5, .branch = true}}});
  study.drop = [&](const std::string& key) { dropped.push_back(key + ": " + states_in(file)); };
  Communicator channel = world_of_one().communicator().duplicate();
  ProgressDisplay display(2, 0, false);
  QueueServer server(channel, 1, std::move(study), database, display,
                     [](const std::string& error) { FAIL() << error; });
  QueueClient client(channel);
  while (true) {
    const int next = client.next();
    if (next == kNoTrial) break;
    client.ended(next, Ending::kFinished);
  }
  EXPECT_EQ(server.finish().finished, 2);
  EXPECT_THAT(dropped, ElementsAre("branch: finished,running"));
  EXPECT_EQ(states_in(file), "finished,finished");
}

}  // namespace
}  // namespace crossfade::runner
