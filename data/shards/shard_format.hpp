// Names within a shard, for its writer and its reader. Private to data/shards/.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/shards/shard.hpp"

namespace crossfade::data {

inline constexpr const char* kShardFormat = "crossfade shard";

/// Names of the datasets of one kind of labels.
struct LabelNames {
  const char* labels;
  const char* labelled;
  const char* pixels;
  const char* slices;
  const char* slice_pixels;  // version 3
};
inline constexpr LabelNames kManualNames = {"labels", "labelled", "scans/labels_pixels", "scans/labels_slices",
                                            "scans/labels_slice_pixels"};
inline constexpr LabelNames kAutomaticNames = {"labels_automatic", "labelled_automatic",
                                               "scans/labels_automatic_pixels", "scans/labels_automatic_slices",
                                               "scans/labels_automatic_slice_pixels"};

inline const LabelNames& names_of(LabelKind kind) {
  return kind == LabelKind::kManual ? kManualNames : kAutomaticNames;
}

inline constexpr std::array kLabelKinds = {LabelKind::kManual, LabelKind::kAutomatic};

inline const char* name_of(LabelKind kind) {
  return kind == LabelKind::kManual ? "manual" : "automatic";
}

inline std::vector<std::string> kinds_of(const ShardInfo& info) {
  std::vector<std::string> kinds;
  for (const LabelKind kind : kLabelKinds)
    if (info.has(kind)) kinds.emplace_back(name_of(kind));
  return kinds;
}

inline ClassCounts& counts_of(ScanInfo& scan, LabelKind kind) {
  return kind == LabelKind::kManual ? scan.manual : scan.automatic;
}

/// 0 to classes - 1.
inline std::vector<std::int32_t> class_ids(int classes) {
  std::vector<std::int32_t> ids;
  for (int c = 0; c < classes; ++c) ids.push_back(c);
  return ids;
}

inline std::uint64_t u64(int value) {
  return static_cast<std::uint64_t>(value);
}

}  // namespace crossfade::data
