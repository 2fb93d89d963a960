// A study for tests of the queue, whose trials are in a database and have no stages.
#pragma once

#include <string>
#include <vector>

#include "analysis/results/results.hpp"
#include "runner/study/queue.hpp"

namespace crossfade::runner {

/// Registers the trials of the study, which get their ids, and makes all of them pending.
inline void register_trials(QueuedStudy& study, analysis::ResultsDatabase& database) {
  std::vector<analysis::TrialRecord> records;
  for (std::size_t t = 0; t < study.trials.size(); ++t) {
    study.pending.push_back(static_cast<int>(t));
    records.push_back({.hash = std::to_string(t),
                       .variant = "a",
                       .model = "net",
                       .loss = "w-CE",
                       .seed = t,
                       .config = "{}",
                       .stages = {}});
  }
  analysis::Provenance provenance;
  provenance.libraries = provenance.data_hash = "{}";
  const std::vector<analysis::TrialStatus> known =
      database.begin({.name = "study", .caption = {}, .grid_text = {}, .grid_hash = {}}, provenance, records);
  for (std::size_t t = 0; t < known.size(); ++t) study.trials[t].id = known[t].id;
}

}  // namespace crossfade::runner
