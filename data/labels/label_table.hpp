// Label tables: which id of a labelling protocol belongs to which class.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/labels/classes.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// One protocol's ids. `class_of` holds the ids that are one id to one class, kIgnored for those that nobody has
/// judged; `to_nearest` those ids that go to the nearer of two classes (hemispheres) by distance to its voxels.
struct LabelTable {
  struct Nearest {
    std::int32_t id;
    int left_class;
    int right_class;
  };
  std::string name;
  Classes classes;
  std::map<std::int32_t, int> class_of;
  std::vector<Nearest> to_nearest;
  std::vector<std::int32_t> id_of;  // by class: the id written in a prediction; 0 for class 0
  bool may_be_empty = false;        // whether a label map without any of the classes is one all the same

  /// 16 hexadecimal digits over ids and classes; stored in shards.
  std::string hash() const;
};

/// "freesurfer" or "miccai2012", with all the foldings of each, or without some: "freesurfer without vessel
/// corpus_callosum" leaves these ids to class 0. docs/data.md lists them. Throws std::invalid_argument that lists the
/// known names of tables or foldings.
LabelTable label_table(std::string_view description);

/// Why label_table(description) would throw; empty if it would not.
std::string label_table_fault(std::string_view description);

/// A cohort's own table, from three JSON objects or arrays as a grid says them: `classes` maps names to an id or a list
/// of ids ({"Anterior": 1, "Tumour": [2, 3]}; the first is the one that predictions have), class 1 first; what maps to
/// id 0 names class 0, otherwise "background". `pairs` maps a class on the left to its twin on the right. `ignore`
/// lists ids that nobody has judged. Blanks in names become '-'. Throws std::invalid_argument for anything else, for an
/// id that is there twice, and for more than kMostClasses.
struct OwnClasses {
  std::string classes, pairs, ignore;  // empty: none
  bool operator==(const OwnClasses&) const = default;
};
LabelTable own_label_table(const OwnClasses& own);

/// Why own_label_table(own) would throw; empty if it would not.
std::string own_label_table_fault(const OwnClasses& own);

/// Whether `id` becomes a class of its own: neither class 0 nor ignored.
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

/// Classes of a volume of ids (kIgnored where nobody has judged), and how many voxels had an id that no line of the
/// table names (they became class 0; id 0 itself is not counted).
struct MappedLabels {
  Volume<std::uint8_t> classes;
  IdCounts unnamed;
};

/// Throws std::runtime_error where not one voxel has an id of a class, unless the table's maps may be empty and this
/// one has no other ids either.
MappedLabels map_labels(const Volume<std::int32_t>& ids, const LabelTable& table);

}  // namespace crossfade::data
