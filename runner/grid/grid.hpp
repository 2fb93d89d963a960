// Grids: a YAML file that expands to trials, checked strictly before anything starts. docs/grid.md has the reference.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/grid/config.hpp"
#include "runner/grid/error.hpp"

namespace crossfade::runner {

/// Reads, overrides ("path=value", value is YAML, e.g. "defaults.stages.pretrain.epochs=3" or
/// "cohorts.phantom.size=64"), checks and expands a grid. Throws GridError with file, line, column, what was expected
/// and, for an unknown key, the nearest valid one; for --set with the argument in place of the line.
Study read_grid(const std::filesystem::path& file, const std::vector<std::string>& overrides);

/// The same of a grid's text, such as a database keeps. `source` is what errors name.
Study read_grid_text(const std::string& text, const std::string& source,
                     const std::vector<std::string>& overrides = {});

/// The whole configuration of a trial with all defaults filled in, as JSON with sorted keys: what is stored, shown,
/// and, without variant name and run options, hashed.
std::string to_json(const TrialConfig& trial);

/// For each of stage_rows(), SHA-256 (hex) over all that its net depends on: the configuration up to this stage without
/// the variant's name, hash, plane and split of the cohorts, and the version of the result format; of a vote over the
/// hashes of its nets and their weights. The last is the trial's own; trials with equal hashes share those stages.
std::vector<std::string> stage_hashes(const TrialConfig& trial, const Study& study,
                                      const std::vector<std::pair<std::string, std::string>>& cohort_hashes);

/// For each of stage_rows(), SHA-256 (hex) over what stage_hashes() takes, without the loss, the patience and the
/// test cohort of this stage: trials with equal ones train alike in it as long as their schedules are. Empty for a
/// vote, and for a trial without a net.
std::vector<std::string> beginning_hashes(const TrialConfig& trial, const Study& study,
                                          const std::vector<std::pair<std::string, std::string>>& cohort_hashes);

/// Labels for tables: "U-Net (width 16, batch norm)", "QuickNAT (width 24, 3 views)"; "Fixed (w-CE + w-Dice)",
/// "Scheduled (w-CE → w-CE + w-Dice → w-Dice)", "Scheduled (w-CE linear 1 → 0, w-Dice)". A weight other than 1 stands
/// before its term. Of a trial with atlases "Atlases, joint label fusion" and "–".
std::string trial_model_label(const TrialConfig& trial);
std::string trial_loss_label(const TrialConfig& trial);
std::string model_label(const model::ModelOptions& model, const ViewOptions& views = {},
                        model::Precision precision = model::Precision::kFp32);
std::string loss_label(const std::vector<schedules::ScheduledTerm>& loss);

/// The reference of all grid keys with types, defaults, ranges and help, made from the descriptions beside the structs.
std::string grid_reference();

}  // namespace crossfade::runner
