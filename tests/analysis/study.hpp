// Made-up studies and small tools for the tests of analysis/.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "analysis/results/results.hpp"
#include "data/labels/structures.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::analysis {

struct Said {
  int status = 0;
  std::string output;  // stdout alone
};
/// Runs a program with arguments (no shell expansion in them).
Said run(const std::vector<std::string>& command);

/// What `body` throws, or "" if nothing.
template <class Body>
std::string error_of(Body&& body) {
  try {
    body();
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

std::string read_text(const std::filesystem::path& file);

/// Zeros of the brain's classes.
inline Counts no_counts() {
  return Counts(data::kClasses);
}

/// Counts of a made-up volume with Dice about `dice`; about one structure in six is in neither truth nor prediction,
/// and one in twelve in one of the two alone.
Counts made_up_counts(std::mt19937& random, double dice, int classes = data::kClasses);
std::vector<SubjectCounts> made_up_subjects(std::mt19937& random, const std::vector<std::string>& names, double dice,
                                            int classes = data::kClasses);

StudyRecord study_record(const std::string& name = "made-up");
Provenance provenance();
TrialRecord trial_record(const std::string& variant, std::uint64_t seed, int fold = 0);
EpochRecord epoch_record(std::mt19937& random, int epoch, double dice, int stage = 0);

/// Records `epochs` epochs and results of every stage, then marks the trial as finished.
void finish(ResultsDatabase& db, std::int64_t id, const TrialRecord& trial, std::mt19937& random, double dice,
            const std::vector<std::string>& test_subjects = {"alice", "bob", "carol"});

/// A study with everything that the views have to get right: two stages with and without numbers, seeds, a variant that
/// never converged, one with an unfinished and a failed trial, and a trial that the grid no longer has.
void write_made_up_study(const std::filesystem::path& file);

}  // namespace crossfade::analysis
