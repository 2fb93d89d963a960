// The classes of a cohort: what a net tells apart, by class id from 0.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace crossfade::data {

/// Class id of voxels that nobody has judged: they count in no loss, weight or metric.
inline constexpr std::uint8_t kIgnored = 255;
inline constexpr int kMostClasses = 255;

struct Classes {
  std::vector<std::string> names;       // 2 to kMostClasses, without blanks; 0 is what belongs to no other class
  std::vector<std::uint8_t> left_twin;  // of a class on the right the one on the left, of any other class itself

  int count() const { return static_cast<int>(names.size()); }
  bool operator==(const Classes&) const = default;
};

/// The paper's 27 structures (kStructures) and "none of these".
const Classes& brain_classes();

/// The first class that differs, "class 3 is Liver against Spleen", or how many there are; empty where they are equal.
std::string class_difference(const std::vector<std::string>& a, const std::vector<std::string>& b);

}  // namespace crossfade::data
