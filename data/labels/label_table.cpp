#include "data/labels/label_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>

#include "data/hash.hpp"
#include "data/labels/structures.hpp"
#include "data/volumes/distance.hpp"
#include "data/words.hpp"

namespace crossfade::data {
namespace {

// Classes by name, so that the tables below read as the protocols' own lists.
constexpr int kLeftWhite = 1, kLeftCortex = 2, kRightWhite = 3, kRightCortex = 4, kLeftVentricle = 5,
              kLeftCerebellumCortex = 7, kLeftThalamus = 8, k3rdVentricle = 12, kRightVentricle = 18,
              kRightCerebellumCortex = 20, kRightThalamus = 21;

using Ids = std::array<std::int32_t, kClasses>;

LabelTable from_ids(std::string name, const Ids& ids) {
  LabelTable table{.name = std::move(name),
                   .classes = brain_classes(),
                   .class_of = {},
                   .to_nearest = {},
                   .id_of = {ids.begin(), ids.end()}};
  for (int c = 1; c < kClasses; ++c) {
    table.class_of[ids[static_cast<std::size_t>(c)]] = c;
  }
  return table;
}

/// What a protocol divides more finely than the 27 structures: ids that go to a class of another name.
struct Folding {
  const char* name;
  std::vector<std::pair<std::int32_t, int>> to_class;
  std::vector<LabelTable::Nearest> to_nearest = {};
};

struct Protocol {
  LabelTable table;  // without foldings
  std::vector<Folding> foldings;
};

std::vector<LabelTable::Nearest> to_nearer(const std::vector<std::int32_t>& ids, int left_class, int right_class) {
  std::vector<LabelTable::Nearest> rules;
  for (const std::int32_t id : ids) rules.push_back({id, left_class, right_class});
  return rules;
}

Protocol freesurfer() {
  LabelTable table = from_ids("freesurfer", {0,  2,  3,  41, 42, 4,  7,  8,  10, 11, 12, 13, 14, 15,
                                             16, 17, 18, 28, 43, 46, 47, 49, 50, 51, 52, 53, 54, 60});
  for (int parcel = 0; parcel <= 35; ++parcel) {  // of aparc
    table.class_of[1000 + parcel] = kLeftCortex;
    table.class_of[2000 + parcel] = kRightCortex;
  }
  table.class_of[9] = kLeftThalamus;  // of releases before 7
  table.class_of[48] = kRightThalamus;
  return {table,
          {{"inferior_lateral_ventricle", {{5, kLeftVentricle}, {44, kRightVentricle}}},
           {"vessel", {{30, kLeftWhite}, {62, kRightWhite}}},
           {"fifth_ventricle", {{72, k3rdVentricle}}},
           {"optic_chiasm", {{85, 0}}},
           {"hypointensities", {}, to_nearer({77, 80}, kLeftWhite, kRightWhite)},
           {"corpus_callosum", {}, to_nearer({251, 252, 253, 254, 255}, kLeftWhite, kRightWhite)}}};
}

Protocol miccai2012() {
  // The cortex has no id of its own; its class is written as the first parcel of each side.
  LabelTable table = from_ids("miccai2012", {0,  45, 101, 44, 100, 52, 41, 39, 60, 37, 58, 56, 4,  11,
                                             35, 48, 32,  62, 51,  40, 38, 59, 36, 57, 55, 47, 31, 61});
  for (int parcel = 100; parcel <= 207; ++parcel) {
    table.class_of[parcel] = parcel % 2 == 1 ? kLeftCortex : kRightCortex;
  }
  return {table,
          {{"inferior_lateral_ventricle", {{50, kLeftVentricle}, {49, kRightVentricle}}},
           {"vermis", {}, to_nearer({71, 72, 73}, kLeftCerebellumCortex, kRightCerebellumCortex)}}};
}

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> all = {freesurfer(), miccai2012()};
  return all;
}

template <class List, class Name>
std::string names_of(const List& list, Name name) {
  std::string names;
  for (const auto& item : list) names += (names.empty() ? "" : ", ") + std::string(name(item));
  return names;
}

/// Voxels to look for either class before distances from all of the volume are cheaper.
constexpr int kReach = 16;

/// Squared distances in mm of each voxel from a class, computed when first asked for.
class ClassDistances {
 public:
  explicit ClassDistances(const Volume<std::uint8_t>& classes) : classes_(classes) {}

  float squared_mm(int c, std::size_t voxel) {
    auto found = distances_.find(c);
    if (found == distances_.end()) {
      Mask mask{classes_.geometry.size, classes_.geometry.spacing(), {}};
      mask.voxels.resize(classes_.voxels.size());
      std::ranges::transform(classes_.voxels, mask.voxels.begin(),
                             [c](std::uint8_t of) { return static_cast<std::uint8_t>(of == c); });
      found = distances_.emplace(c, nearest_voxels(mask).squared_mm).first;
    }
    return found->second[voxel];
  }

 private:
  const Volume<std::uint8_t>& classes_;
  std::map<int, std::vector<float>> distances_;
};

/// Of the two classes the one whose nearest voxel is closer to (i, j, k) in mm; the left one for a tie; 0 where neither
/// is within kReach voxels on each axis.
int nearer_class(const Volume<std::uint8_t>& classes, const LabelTable::Nearest& rule, int i, int j, int k) {
  const Geometry& geometry = classes.geometry;
  const std::array<double, 3> spacing = geometry.spacing();
  const double thinnest = std::min({spacing[0], spacing[1], spacing[2]});
  double best = std::numeric_limits<double>::infinity();
  int best_class = 0;
  const auto look_at = [&](int x, int y, int z) {
    if (x < 0 || x >= geometry.size[0]) {
      return;
    }
    const int c = classes.at(x, y, z);
    if (c != rule.left_class && c != rule.right_class) {
      return;
    }
    const double dx = (x - i) * spacing[0], dy = (y - j) * spacing[1], dz = (z - k) * spacing[2];
    const double distance = dx * dx + dy * dy + dz * dz;
    if (distance < best || (distance == best && c == rule.left_class)) {
      best = distance;
      best_class = c;
    }
  };
  // Shells of a growing cube: beyond radius r nothing is nearer than (r + 1) voxels of the shortest side.
  for (int r = 1; (r <= kReach || best_class != 0) && r * thinnest * (r * thinnest) <= best; ++r) {
    for (int z = std::max(0, k - r); z <= std::min(geometry.size[2] - 1, k + r); ++z) {
      for (int y = std::max(0, j - r); y <= std::min(geometry.size[1] - 1, j + r); ++y) {
        const bool face = std::abs(z - k) == r || std::abs(y - j) == r;
        for (int x = i - r; x <= i + r; x += face ? 1 : 2 * r) {
          look_at(x, y, z);
        }
      }
    }
  }
  return best_class;
}

/// "; it has the ids 1, 2, expected such as 11 (Anterior), 12 (Posterior)", some of each.
std::string ids_against(const IdCounts& found, const LabelTable& table) {
  constexpr int kShown = 5;
  std::string ids, expected;
  int shown = 0;
  for (const auto& [id, count] : found)
    if (shown++ < kShown) ids += (ids.empty() ? "" : ", ") + std::to_string(id);
  for (std::size_t c = 1; c < table.id_of.size() && c < kShown; ++c)
    expected += (expected.empty() ? "" : ", ") + std::to_string(table.id_of[c]) + " (" + table.classes.names[c] + ")";
  return (ids.empty() ? "; it has no id but 0" : "; it has the ids " + ids + (shown > kShown ? ", ..." : "")) +
         ", expected such as " + expected;
}

}  // namespace

std::string LabelTable::hash() const {
  std::string text = name + '\n';
  for (const auto& [id, c] : class_of) {
    text += std::to_string(id) + ' ' + std::to_string(c) + '\n';
  }
  for (const Nearest& rule : to_nearest) {
    text += std::to_string(rule.id) + " nearest " + std::to_string(rule.left_class) + ' ' +
            std::to_string(rule.right_class) + '\n';
  }
  for (const std::int32_t id : id_of) {
    text += "writes " + std::to_string(id) + '\n';
  }
  if (classes != brain_classes())
    for (std::size_t c = 0; c < classes.names.size(); ++c)
      text += "class " + classes.names[c] + ' ' + std::to_string(classes.left_twin[c]) + '\n';
  return sha256_hex(text).substr(0, 16);
}

LabelTable label_table(std::string_view description) {
  const std::vector<std::string> words = words_of(description);
  const std::string name = words.empty() ? "" : words.front();
  const auto protocol = std::ranges::find(protocols(), name, [](const Protocol& p) { return p.table.name; });
  if (protocol == protocols().end())
    throw std::invalid_argument("unknown label table '" + name + "', expected one of " +
                                names_of(protocols(), [](const Protocol& p) { return p.table.name; }));
  if (words.size() > 1 && (words[1] != "without" || words.size() == 2))
    throw std::invalid_argument("label table '" + std::string(description) + "', expected '" + name + "' or '" + name +
                                " without FOLDING ...'");
  const std::set<std::string> without(words.begin() + std::min<std::ptrdiff_t>(2, std::ssize(words)), words.end());
  for (const std::string& folding : without) {
    if (std::ranges::find(protocol->foldings, folding, &Folding::name) == protocol->foldings.end())
      throw std::invalid_argument("label table " + name + " has no folding '" + folding + "', expected " +
                                  names_of(protocol->foldings, [](const Folding& f) { return f.name; }));
  }
  LabelTable table = protocol->table;
  for (const Folding& folding : protocol->foldings) {
    if (without.contains(folding.name)) continue;
    table.class_of.insert(folding.to_class.begin(), folding.to_class.end());
    table.to_nearest.insert(table.to_nearest.end(), folding.to_nearest.begin(), folding.to_nearest.end());
  }
  for (const std::string& folding : without) table.name += (folding == *without.begin() ? " without " : " ") + folding;
  return table;
}

std::string label_table_fault(std::string_view description) {
  try {
    label_table(description);
    return {};
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

bool is_named(const LabelTable& table, std::int32_t id) {
  if (const auto found = table.class_of.find(id); found != table.class_of.end())
    return found->second > 0 && found->second != kIgnored;
  return std::any_of(table.to_nearest.begin(), table.to_nearest.end(), [&](const auto& line) { return line.id == id; });
}

MappedLabels map_labels(const Volume<std::int32_t>& ids, const LabelTable& table) {
  MappedLabels result{{ids.geometry, std::vector<std::uint8_t>(ids.voxels.size())}, {}};
  std::vector<const LabelTable::Nearest*> rules;  // of the voxels to decide by distance, in step with `undecided`
  std::vector<std::size_t> undecided;
  std::array<bool, kIgnored + 1> present{};

  // Ids come in runs: the tables are asked once a run.
  std::size_t begin = 0;
  while (begin < ids.voxels.size()) {
    const std::int32_t id = ids.voxels[begin];
    std::size_t end = begin + 1;
    while (end < ids.voxels.size() && ids.voxels[end] == id) {
      ++end;
    }
    const auto nearest = std::find_if(table.to_nearest.begin(), table.to_nearest.end(),
                                      [&](const LabelTable::Nearest& rule) { return rule.id == id; });
    if (const auto found = table.class_of.find(id); found != table.class_of.end()) {
      std::fill(result.classes.voxels.begin() + static_cast<std::ptrdiff_t>(begin),
                result.classes.voxels.begin() + static_cast<std::ptrdiff_t>(end),
                static_cast<std::uint8_t>(found->second));
      present[static_cast<std::size_t>(found->second)] = true;
    } else if (nearest != table.to_nearest.end()) {
      for (std::size_t voxel = begin; voxel < end; ++voxel) {
        rules.push_back(&*nearest);
        undecided.push_back(voxel);
      }
    } else if (id != 0) {
      result.unnamed[id] += end - begin;
    }
    begin = end;
  }
  const bool empty = std::none_of(present.begin() + 1, present.begin() + kIgnored, [](bool p) { return p; });
  if (empty && !(table.may_be_empty && result.unnamed.empty()))
    throw std::runtime_error("no voxel has an id of a class in the label table '" + table.name + "'" +
                             ids_against(result.unnamed, table));

  // Decisions are collected first: they go by the voxels of the classes proper, not by one another.
  std::vector<std::uint8_t> decisions(undecided.size());
  ClassDistances distances(result.classes);
  const auto width = static_cast<std::size_t>(ids.geometry.size[0]);
  const auto height = static_cast<std::size_t>(ids.geometry.size[1]);
  for (std::size_t n = 0; n < undecided.size(); ++n) {
    const LabelTable::Nearest& rule = *rules[n];
    const bool left = present[static_cast<std::size_t>(rule.left_class)];
    const bool right = present[static_cast<std::size_t>(rule.right_class)];
    int decision = 0;  // where the map has neither class
    if (left && right) {
      const std::size_t voxel = undecided[n];
      decision = nearer_class(result.classes, rule, static_cast<int>(voxel % width),
                              static_cast<int>(voxel / width % height), static_cast<int>(voxel / (width * height)));
      if (decision == 0)
        decision = distances.squared_mm(rule.left_class, voxel) <= distances.squared_mm(rule.right_class, voxel)
                       ? rule.left_class
                       : rule.right_class;
    } else if (left || right) {
      decision = left ? rule.left_class : rule.right_class;
    }
    decisions[n] = static_cast<std::uint8_t>(decision);
  }
  for (std::size_t n = 0; n < undecided.size(); ++n) {
    result.classes.voxels[undecided[n]] = decisions[n];
  }
  return result;
}

}  // namespace crossfade::data
