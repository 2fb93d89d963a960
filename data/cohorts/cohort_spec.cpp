#include "data/cohorts/cohort_spec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "data/sources/path_pattern.hpp"
#include "data/structured.hpp"
#include "data/words.hpp"

namespace crossfade::data {
namespace {

/// Writes the options that the pixels of a shard depend on as lines of "name=value"; numbers in the shortest form that
/// reads back as the same number.
class CanonicalText {
 public:
  void number(std::string_view name, double value, double, double, std::string_view) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    line(name, std::string(digits.data(), end));
  }
  void integer(std::string_view name, int value, int, int, std::string_view) { line(name, std::to_string(value)); }
  void seed(std::string_view name, std::uint64_t value, std::string_view) { line(name, std::to_string(value)); }
  void choice(std::string_view name, const std::string& value, std::initializer_list<const char*>, std::string_view) {
    line(name, value);
  }
  void flag(std::string_view name, bool value, std::string_view) { line(name, value ? "true" : "false"); }
  void text(std::string_view name, const std::string& value, std::string_view) { line(name, value); }
  void structured(std::string_view name, const std::string& value, std::string_view) { line(name, value); }
  template <class Options>
  void group(std::string_view name, Options& options, std::string_view) {
    if (name == "split") return;
    const std::string outer = prefix_;
    prefix_ += std::string(name) + ".";
    describe(*this, options);
    prefix_ = outer;
  }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void line(std::string_view name, const std::string& value) {
    // Names of subjects, bytes of files and the tables' own hashes stand for these.
    for (const std::string_view other : {"subjects", "root", "images", "labels", "automatic_labels", "table", "strict",
                                         "classes", "automatic_classes", "pairs", "ignore", "label_table",
                                         "automatic_label_table", "label_suffix", "automatic_label_suffix", "exclude"})
      if (name == other) return;
    lines_.push_back(prefix_ + std::string(name) + "=" + value + "\n");
  }

  std::string prefix_;
  std::vector<std::string> lines_;
};

std::vector<std::string> canonical_lines(CohortSpec spec) {
  CanonicalText text;
  describe(text, spec);
  return text.lines();
}

OwnClasses own_classes(const CohortSpec& spec) {
  return {.classes = spec.classes, .pairs = spec.pairs, .ignore = spec.ignore};
}

std::optional<CohortFault> fault_of_classes(const CohortSpec& spec) {
  const CohortSpec defaults;
  if (spec.classes.empty()) {
    if (!spec.automatic_classes.empty())
      return CohortFault{"automatic_classes", "automatic_classes says ids of classes, expected classes beside it"};
    if (spec.source == "nnunet" && spec.label_table == defaults.label_table)
      return std::nullopt;  // dataset.json has them
    if (!spec.pairs.empty()) return CohortFault{"pairs", "pairs are of the cohort's own classes, expected classes"};
    if (!spec.ignore.empty())
      return CohortFault{"ignore", "ignore belongs to the cohort's own classes, expected classes"};
    return std::nullopt;
  }
  if (const std::string wrong = own_label_table_fault(own_classes(spec)); !wrong.empty())
    return CohortFault{"classes", wrong};
  if (spec.label_table != defaults.label_table)
    return CohortFault{"label_table", "label_table and classes both say what ids mean, expected one of them"};
  if (spec.automatic_label_table != defaults.automatic_label_table)
    return CohortFault{"automatic_label_table", "automatic_label_table beside classes, expected automatic_classes"};
  if (spec.automatic_classes.empty()) return std::nullopt;
  OwnClasses automatic = own_classes(spec);
  automatic.classes = spec.automatic_classes;
  if (const std::string wrong = own_label_table_fault(automatic); !wrong.empty())
    return CohortFault{"automatic_classes", wrong};
  const std::string differs =
      class_difference(own_label_table(own_classes(spec)).classes.names, own_label_table(automatic).classes.names);
  if (differs.empty()) return std::nullopt;
  return CohortFault{"automatic_classes", "automatic_classes has other names than classes: " + differs};
}

/// A number of mm above 0; nothing for other words.
std::optional<double> millimetres(const std::string& word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || !(value > 0 && value < 1e4)) return std::nullopt;
  return value;
}

std::optional<CohortFault> fault_of_grid(const CohortSpec& spec) {
  const GridSpec& grid = spec.grid;
  if (spec.size != 0 && !(grid == GridSpec{}))
    return CohortFault{"grid", "grid and size both say what slices are, expected one of them"};
  if (spec.size != 0 && spec.size < 32)
    return CohortFault{"size", "size is " + std::to_string(spec.size) + ", expected 0 or 32 to 256"};
  const std::vector<std::string> mm = words_of(grid.mm), slice_mm = words_of(grid.slice_mm);
  const auto is_length = [](const std::string& word) { return millimetres(word).has_value(); };
  if (!(mm.empty() || (mm.size() == 1 && mm.front() == "native") ||
        (mm.size() <= 2 && std::ranges::all_of(mm, is_length))))
    return CohortFault{"grid", "grid.mm is '" + grid.mm + "', expected native, a number of mm, or two"};
  if (!(slice_mm.empty() || (slice_mm.size() == 1 && (slice_mm.front() == "native" || is_length(slice_mm.front())))))
    return CohortFault{"grid", "grid.slice_mm is '" + grid.slice_mm + "', expected native or a number of mm"};
  if (cube_size(spec) && spec.axis != "auto" && spec.axis != "axial")
    return CohortFault{"axis", "axis: " + spec.axis + " needs a grid: slices over 256 mm are axial"};
  const bool synthetic = spec.source == "phantom" || spec.source == "labels";
  if (synthetic && !cube_size(spec) && (!slice_size(spec) || mm.empty() || mm.front() == "native"))
    return CohortFault{"grid", "synthetic scans fill 256 mm, expected size, or a grid with width, height and mm"};
  return std::nullopt;
}

/// Images and labels are both in folders, or both named by patterns, which must be such.
std::optional<CohortFault> fault_of_patterns(const CohortSpec& spec) {
  std::vector<std::pair<const char*, std::string>> all;
  try {
    for (const std::string& pattern : listed_texts(spec.images)) all.emplace_back("images", pattern);
  } catch (const std::invalid_argument& error) {
    return CohortFault{"images", error.what()};
  }
  for (const auto& [key, value] :
       {std::pair("labels", &spec.labels), std::pair("automatic_labels", &spec.automatic_labels)})
    if (!value->empty()) all.emplace_back(key, *value);
  for (const auto& [key, value] : all) {
    if (has_patterns(spec)) {
      if (const std::string wrong = path_pattern_fault(value); !wrong.empty()) return CohortFault{key, wrong};
    } else if (value.find('{') != std::string::npos) {
      return CohortFault{key, std::string(key) + " is a pattern and images is a folder, expected patterns for both"};
    }
  }
  if (!has_patterns(spec)) return std::nullopt;
  if (!spec.label_suffix.empty() || !spec.automatic_label_suffix.empty())
    return CohortFault{spec.label_suffix.empty() ? "automatic_label_suffix" : "label_suffix",
                       "a suffix belongs to folders, expected it within the pattern"};
  return std::nullopt;
}

std::optional<CohortFault> fault_of_files(const CohortSpec& spec) {
  const auto fault = [](const char* key, const char* what) { return CohortFault{key, what}; };
  if (!spec.table.empty()) {
    for (const auto& [key, value] : {std::pair("images", &spec.images), std::pair("labels", &spec.labels),
                                     std::pair("automatic_labels", &spec.automatic_labels)})
      if (!value->empty()) return CohortFault{key, std::string(key) + " beside table, which says the files itself"};
    return std::nullopt;
  }
  if (spec.images.empty()) return fault("images", "source: scans needs images: the folder of scans, or a table");
  if (spec.labels.empty() && spec.automatic_labels.empty())
    return fault("labels", "source: scans needs labels or automatic_labels: a folder of label maps");
  return fault_of_patterns(spec);
}

}  // namespace

std::optional<CohortFault> fault_of(const CohortSpec& spec) {
  const auto fault = [](const char* key, std::string what) { return CohortFault{key, std::move(what)}; };
  const auto belongs_to = [&](const char* key, const std::string& sources) {
    return fault(key, "source: " + spec.source + " has no " + key + ", expected source: " + sources + " beside it");
  };
  if (const auto wrong = fault_of_classes(spec)) return wrong;
  for (const auto& [key, table] :
       {std::pair("label_table", &spec.label_table), std::pair("automatic_label_table", &spec.automatic_label_table)}) {
    if (const std::string wrong = label_table_fault(*table); !wrong.empty()) return fault(key, wrong);
  }
  const Classes classes = spec.classes.empty() ? brain_classes() : own_label_table(own_classes(spec)).classes;
  if (const std::string wrong = label_bias_fault(spec.label_bias, classes); !wrong.empty())
    return fault("label_bias", wrong);
  if (const auto wrong = fault_of_grid(spec)) return wrong;
  if (spec.source == "phantom") {
    if (spec.subjects < 1) return fault("subjects", "source: phantom needs subjects: how many heads to make");
    if (!spec.label_table.starts_with("freesurfer"))
      return fault("label_table",
                   "phantoms have FreeSurfer ids: label_table must be freesurfer, not " + spec.label_table);
    if (!spec.root.empty()) return belongs_to("root", "labels or scans");
    if (!spec.labels.empty()) return belongs_to("labels", "labels or scans");
    if (!spec.exclude.empty()) return belongs_to("exclude", "labels or scans");
  } else if (spec.source == "labels") {
    if (spec.labels.empty()) return fault("labels", "source: labels needs labels: the folder of label maps");
  } else if (spec.source == "scans") {
    if (const auto wrong = fault_of_files(spec)) return wrong;
  } else if (spec.source == "nnunet") {
    if (spec.root.empty()) return fault("root", "source: nnunet needs root: the folder of its dataset.json");
    if (!spec.labels.empty()) return belongs_to("labels", "labels or scans");
  } else {
    return fault("source", "a cohort's source is phantom, labels, scans or nnunet, not '" + spec.source + "'");
  }
  if (spec.source == "scans" || spec.source == "nnunet") {
    const std::string of = "source: " + spec.source;
    if (!(spec.label_bias == LabelBiasOptions{}))
      return fault("label_bias", "label_bias makes automatic labels of synthetic scans, but " + of +
                                     " takes those in the folder automatic_labels");
    if (!(spec.synthesis == SynthesisOptions{}))
      return fault("synthesis", "synthesis draws images from label maps, but " + of + " takes images as they are");
    if (spec.scans_per_subject != 1)
      return fault("scans_per_subject", of + " has one scan a subject, not " + std::to_string(spec.scans_per_subject) +
                                            ": leave out scans_per_subject");
  } else {
    if (spec.strict) return belongs_to("strict", "scans or nnunet");
    if (spec.geometry != CohortSpec{}.geometry) return belongs_to("geometry", "scans or nnunet");
    if (spec.intensity != CohortSpec{}.intensity) return belongs_to("intensity", "scans or nnunet");
  }
  if (spec.source != "scans") {
    if (!spec.images.empty()) return belongs_to("images", "scans");
    if (!spec.automatic_labels.empty()) return belongs_to("automatic_labels", "scans");
    if (!spec.label_suffix.empty()) return belongs_to("label_suffix", "scans");
    if (!spec.automatic_label_suffix.empty()) return belongs_to("automatic_label_suffix", "scans");
    if (!spec.table.empty()) return belongs_to("table", "scans");
    if (!spec.automatic_classes.empty()) return belongs_to("automatic_classes", "scans");
  }
  return std::nullopt;
}

std::string canonical_text(const CohortSpec& spec) {
  CohortSpec defaults;
  defaults.size = 256;  // as it was when it was always said
  CohortSpec resolved = spec;
  if (const auto size = cube_size(spec)) resolved.size = *size;
  const std::vector<std::string> lines = canonical_lines(resolved), of_defaults = canonical_lines(defaults);
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i] != of_defaults[i]) text += lines[i];
  return text;
}

}  // namespace crossfade::data
