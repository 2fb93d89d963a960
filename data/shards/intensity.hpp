// How intensities become what a net sees.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "data/shards/shard.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// t1: 0 to 0 and the 99.9th percentile to 255 (to_uint8), then the mean and sd of each scan's voxels above 0. zscore:
/// those of all voxels of the image. zscore_foreground: of those above its background (background_of(), else the
/// least value), or of all others where nothing is above it. ct: clipped to the 0.5 and 99.5 percentiles of the
/// training subjects' labelled voxels and standardised by the mean and sd of these voxels, as nnU-Net does (Isensee et
/// al. 2021). none: as it comes.
inline constexpr std::array kIntensityRules = {"t1", "zscore", "zscore_foreground", "ct", "none"};

/// What a shard keeps of a channel by rule zscore, zscore_foreground, ct or none, measured on the image as it came: an
/// sd of 0 becomes 1. `labelled` stays empty.
ChannelIntensities measured_intensities(const std::string& rule, const Volume<float>& image);

/// By rule t1: mean and sd of the values above 0; 0 and 1 where none is, an sd of 0 becomes 1.
ChannelIntensities t1_intensities(std::span<const float> values);

/// Evenly spaced ones of the values whose label is above 0 and judged, at most kLabelledSample, in order.
std::vector<float> labelled_sample(std::span<const float> values, std::span<const std::uint8_t> labels);

/// By channel, the numbers that rule ct takes from the labelled voxels of all these scans together; empty for the other
/// rules, whose numbers are each scan's own. Percentiles are interpolated as NumPy does. Throws std::runtime_error
/// naming the folder where no voxel is labelled.
std::vector<Standard> standards_over(std::span<const Shard> shards);

/// Standardises [C, ...] in place.
void standardise(std::span<float> values, const std::vector<Standard>& standards);

}  // namespace crossfade::data
