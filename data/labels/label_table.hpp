// Label tables: which id of a labelling protocol belongs to which of the 28 classes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/labels/structures.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// One protocol's ids. `class_of` holds the ids of the 27 structures and the foldings that are one id to one class;
/// `to_nearest` those ids that go to the nearer of two classes (hemispheres) by distance to its voxels.
struct LabelTable {
  struct Nearest {
    std::int32_t id;
    int left_class;
    int right_class;
  };
  std::string name;
  std::map<std::int32_t, int> class_of;
  std::vector<Nearest> to_nearest;
  std::array<std::int32_t, kClasses> id_of{};  // the id written for a class in a prediction; 0 for class 0

  /// 16 hexadecimal digits over everything above; stored in shards.
  std::string hash() const;
};

/// "freesurfer" or "miccai2012", with all the foldings of each, or without some: "freesurfer without vessel
/// corpus_callosum" leaves these ids to class 0. docs/data.md lists them. Throws std::invalid_argument that lists the
/// known names of tables or foldings.
LabelTable label_table(std::string_view description);

/// Why label_table(description) would throw; empty if it would not.
std::string label_table_fault(std::string_view description);

/// Whether `id` becomes one of the 27 structures.
bool is_named(const LabelTable& table, std::int32_t id);

/// The same, quick where neighbours mostly have the same id.
class NamedIds {
 public:
  explicit NamedIds(const LabelTable& table) : table_(table) {}
  bool operator()(std::int32_t id) {
    if (id == 0) return false;
    if (id != last_) named_ = is_named(table_, id);
    last_ = id;
    return named_;
  }

 private:
  const LabelTable& table_;
  std::int32_t last_ = 0;
  bool named_ = false;
};

/// Voxels of each id.
using IdCounts = std::map<std::int32_t, std::uint64_t>;

/// Classes of a volume of ids, and how many voxels had an id that no line of the table names (they became class 0;
/// id 0 itself is not counted).
struct MappedLabels {
  Volume<std::uint8_t> classes;
  IdCounts unnamed;
};

/// Throws std::runtime_error where not one voxel has an id of the 27 structures.
MappedLabels map_labels(const Volume<std::int32_t>& ids, const LabelTable& table);

}  // namespace crossfade::data
