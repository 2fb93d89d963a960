#include "data/anatomy/tissues.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace crossfade::data {
namespace {

struct Entry {
  Tissue tissue;
  std::initializer_list<std::int32_t> ids;
};

// Means are rounded from MPRAGE scans normalised to white matter at 110. Neighbours in the deep grey matter differ by
// about 10 units and overlap, and spreads let scans differ in contrast.
const Entry kEntries[] = {
    {{0, 0, 0}, {0}},
    {{62, 9, 10}, {507}},  // soft tissue: muscle, fat and glands, and whatever has no entry
    {{110, 5, 6}, {2, 41, 251, 252, 253, 254, 255}},
    {{72, 6, 8}, {3, 42}},
    {{26, 6, 6}, {4, 43, 5, 44, 14, 15, 24, 72}},
    {{104, 5, 6}, {7, 46}},
    {{70, 6, 8}, {8, 47}},
    {{90, 6, 7}, {9, 10, 48, 49}},
    {{78, 6, 6}, {11, 50}},
    {{83, 6, 6}, {12, 51}},
    {{98, 6, 6}, {13, 52}},
    {{99, 6, 7}, {16}},
    {{73, 6, 7}, {17, 53}},
    {{69, 6, 7}, {18, 54}},
    {{75, 6, 7}, {26, 58}},
    {{94, 6, 8}, {28, 60}},
    {{88, 8, 8}, {25, 57, 77, 80}},              // lesions and hypointensities
    {{60, 8, 8}, {30, 62, 136, 137, 163, 164}},  // vessels, choroid plexus
    {{90, 8, 8}, {85, 530}},                     // optic chiasm and nerve
    {{45, 14, 10}, {502, 514}},                  // arteries, veins
    {{28, 6, 5}, {506}},                         // eyes
    {{65, 9, 8}, {508}},                         // muscles of the eyes
    {{70, 10, 12}, {509}},                       // mucosa
    {{110, 14, 14}, {511}},                      // skin with its fat
    {{95, 6, 7}, {512}},                         // spinal cord
    {{22, 6, 6}, {515}},                         // compact bone
    {{95, 16, 14}, {516}},                       // marrow
};

constexpr std::size_t kSoftTissue = 1;
constexpr std::int32_t kIdsBelow = 1000;  // of all in the table

}  // namespace

std::span<const Tissue> tissues() {
  static const auto list = [] {
    std::array<Tissue, std::size(kEntries)> result{};
    for (std::size_t n = 0; n < result.size(); ++n) {
      result[n] = kEntries[n].tissue;
    }
    return result;
  }();
  return list;
}

std::size_t tissue_of(std::int32_t id) {
  static const auto of_ids = [] {
    std::array<std::uint8_t, kIdsBelow> result{};
    result.fill(kSoftTissue);
    for (std::size_t n = 0; n < std::size(kEntries); ++n)
      for (const std::int32_t known : kEntries[n].ids)
        result[static_cast<std::size_t>(known)] = static_cast<std::uint8_t>(n);
    return result;
  }();
  if ((id >= 1000 && id <= 1035) || (id >= 2000 && id <= 2035)) {  // cortical parcels of aparc
    id = 3;
  }
  return id >= 0 && id < kIdsBelow ? of_ids[static_cast<std::size_t>(id)] : kSoftTissue;
}

}  // namespace crossfade::data
