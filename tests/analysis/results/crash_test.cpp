// What is left when the writer is killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <chrono>
#include <thread>

#include "analysis/tables/report.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

/// Writes epochs for ever, saying each number once it is committed.
[[noreturn]] void write_epochs(const std::filesystem::path& file, int pipe_end) {
  std::mt19937 random(1);
  ResultsDatabase db(file);
  const auto id = db.begin(study_record(), provenance(), {trial_record("a", 1)})[0].id;
  db.set_running(id);
  for (int epoch = 1;; ++epoch) {
    db.record_epoch(id, epoch_record(random, epoch, 0.5));
    if (write(pipe_end, &epoch, sizeof epoch) != sizeof epoch) _exit(1);
  }
}

TEST(Crash, AKilledWriterLeavesWholeEpochsAndNoneLost) {
  TemporaryFolder folder;
  int committed = 0;
  for (int round = 0; round < 12; ++round) {
    const auto file = folder / ("r" + std::to_string(round) + ".sqlite");
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      write_epochs(file, ends[1]);
    }
    close(ends[1]);
    int last = 0, said = 0;
    ASSERT_EQ(read(ends[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));  // it is at work
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + 7 * round));            // some point of some transaction
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(ends[0], &said, sizeof said) == static_cast<ssize_t>(sizeof said)) last = said;
    close(ends[0]);
    committed += last;

    // A report straight after the crash, before any writer has cleaned up.
    EXPECT_NE(render_table1({file}, "text").find("0 of 1 trials finished"), std::string::npos);
    SQLite::Database db(file.string(), SQLite::OPEN_READWRITE);
    EXPECT_EQ(db.execAndGet("PRAGMA integrity_check").getString(), "ok");
    EXPECT_FALSE(SQLite::Statement(db, "PRAGMA foreign_key_check").executeStep());
    const int epochs = db.execAndGet("SELECT count(*) FROM epoch").getInt();
    EXPECT_GE(epochs, last);      // what was reported as written is there
    EXPECT_LE(epochs, last + 1);  // at most one more was committed before it could say so
    EXPECT_EQ(db.execAndGet("SELECT max(epoch) FROM epoch").getInt(), epochs);
    EXPECT_EQ(db.execAndGet("SELECT count(*) FROM dice").getInt(), 27 * epochs);
    EXPECT_EQ(db.execAndGet("SELECT count(*) FROM epoch_term").getInt(), 2 * epochs);

    ResultsDatabase next(file);
    EXPECT_EQ(next.begin(study_record(), provenance(), {trial_record("a", 1)})[0].state, TrialState::kInterrupted);
  }
  EXPECT_GT(committed, 12);  // the kills fell among writes
}

TEST(Crash, AHalfWrittenTransactionIsRolledBackByTheReport) {
  // A writer with a one-page cache spills into the file before it commits, and leaves a journal that must be played
  // back.
  TemporaryFolder folder;
  const auto file = folder / "r.sqlite";
  write_made_up_study(file);
  const std::string before = render_table1({file}, "json");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    SQLite::Database db(file.string(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA cache_size = 1; BEGIN; UPDATE subject_score SET value = 0.25; UPDATE trial SET error = 'x'");
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(std::filesystem::exists(file.string() + "-journal"));  // else this test shows nothing
  EXPECT_EQ(render_table1({file}, "json"), before);
}

TEST(Crash, AReaderSeesAStudyThatIsBeingWritten) {
  TemporaryFolder folder;
  std::mt19937 random(1);
  ResultsDatabase db(folder / "r.sqlite");
  const auto id = db.begin(study_record(), provenance(), {trial_record("a", 1)})[0].id;
  for (int epoch = 1; epoch <= 3; ++epoch) {
    db.record_epoch(id, epoch_record(random, epoch, 0.5));
    EXPECT_NE(render_table1({folder / "r.sqlite"}, "text").find("0 of 1 trials finished"), std::string::npos);
  }
}

}  // namespace
}  // namespace crossfade::analysis
