// A prepared cohort to look at before training for a day: what is in it, and a sheet of slices with their labels.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/shards/shard.hpp"

namespace crossfade::runner {

/// How many subjects, what slices, and each class with its voxels, slices, subjects and weight. `shards`: at least one.
std::string cohort_summary(const std::vector<data::Shard>& shards);

/// A line a subject: slices and spacing, shape and spacing of its labels as they came, intensities of each channel,
/// classes that it lacks.
std::string subject_table(const std::vector<data::Shard>& shards);

/// Writes a PNG of at most `most` subjects, evenly spaced, each by the slice with most labelled pixels (first channel,
/// from the 1st to the 99th percentile of the slice as black to white), with their labels as outlines. Throws
/// std::runtime_error naming the file.
void write_check_sheet(const std::filesystem::path& file, const std::vector<data::Shard>& shards,
                       std::size_t most = 12);

}  // namespace crossfade::runner
