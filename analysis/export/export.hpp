// A study for other tools to look at.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// For TensorBoard: a folder below `folder` for each trial that has an epoch, named by variant, seed and fold, with an
/// event file of its scalars by epoch over all stages (validation Dice, as a mean and by structure, loss, each term's
/// value and weight, learning rate, norm of the gradients, images/s), of several planes one folder each; and of a
/// finished trial its hyperparameters, and Dice on test subjects at the last epoch of the stage that it is of. A file
/// that is there is replaced. Returns the folders. Databases, `study` and errors as render_table1; throws
/// std::runtime_error also where nothing can be written, or no trial has an epoch.
std::vector<std::filesystem::path> export_tensorboard(const std::vector<std::filesystem::path>& databases,
                                                      const std::filesystem::path& folder,
                                                      const std::string& study = {});

/// Tidy tables, a row an observation: epochs.csv (the view figure1), terms.csv (a term of the loss in an epoch) and
/// scores.csv (a metric of a structure of a subject). Returns the files. Otherwise as above.
std::vector<std::filesystem::path> export_csv(const std::vector<std::filesystem::path>& databases,
                                              const std::filesystem::path& folder, const std::string& study = {});

}  // namespace crossfade::analysis
