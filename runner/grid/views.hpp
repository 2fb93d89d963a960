// The nets of a trial, one a plane, and the rows that its stages have in the results database.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runner/grid/config.hpp"

namespace crossfade::runner {

/// A net's plane and the weight of its vote.
struct View {
  std::string plane;
  double weight = 1;
};

/// Those of weight above 0, axial first. One alone: there is no vote.
std::vector<View> views_of(const ViewOptions& options);

/// A row of the table `stage`: a stage of the net of one plane, or of the vote ("all").
struct StageRow {
  std::string plane;
  std::size_t stage = 0;  // of the trial
};

/// In the order of the database: the stages of one plane's net after another's, those of the vote last, where there is
/// one. stage_hashes() has the same order.
std::vector<StageRow> stage_rows(const TrialConfig& trial);

}  // namespace crossfade::runner
