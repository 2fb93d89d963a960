// What a stage's end leaves to look at: test subjects as scans with the truth beside the prediction.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "analysis/scores/dice.hpp"
#include "data/shards/shard.hpp"
#include "runner/evaluation/evaluator.hpp"
#include "runner/ranks/group.hpp"

namespace crossfade::runner {

/// At most `most` slices of volumes [slices, H, W] of `pixels` pixels a slice, rising: those where most pixels differ,
/// but none within an eighth of the labelled height of one that is chosen already. Pixels of kIgnored in `truth` don't
/// differ. Where nothing differs, the slice with most labels.
std::vector<int> slices_that_differ(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> prediction,
                                    std::size_t pixels, std::size_t most);

/// Draws of these subjects the worst, the median and the best by `scores`, as analysis::picture_file() of the stage of
/// this hash, each on the rank that its volume falls to; first channel, cut to what is labelled. Does nothing where
/// `pictures` is empty. Collective; what fails on one rank throws std::runtime_error with the same words on all.
void draw_subjects(const std::vector<data::Shard>& shards, const std::vector<analysis::SubjectCounts>& scores,
                   Group& group, const PredictVolume& predict_volume, const std::filesystem::path& pictures,
                   const std::string& hash);

}  // namespace crossfade::runner
