// What a cohort is to be: plain options, and what can be said of them without looking at a file.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "data/anatomy/label_bias.hpp"
#include "data/anatomy/synthesis.hpp"
#include "data/cohorts/split.hpp"
#include "data/labels/label_table.hpp"

namespace crossfade::data {

/// What a net's slices are in pixels and mm. What is 0 or empty is derived from the cohort (slice_grid.hpp).
struct GridSpec {
  int width = 0, height = 0;  // pixels
  std::string mm;             // of a pixel: "native" (as each subject came), "0.8", or "0.8 1.2" along width and height
  std::string slice_mm;       // between slices: "native" or a number
  bool operator==(const GridSpec&) const = default;
};

template <class Visitor>
void describe(Visitor& visit, GridSpec& g) {
  visit.integer("width", g.width, 0, 4096, "pixels of a slice's rows; 0: the smallest multiple of 16 that holds all");
  visit.integer("height", g.height, 0, 4096, "the same of its columns");
  visit.text(
      "mm", g.mm,
      "side of a pixel: native (each subject keeps its own), a number, or two, of width and height; default: the "
      "median over subjects");
  visit.text("slice_mm", g.slice_mm, "from slice to slice: native, or a number; default: native");
}

struct CohortSpec {
  std::string source = "phantom";  // "phantom", "labels" (images are synthesised from label maps), "scans" or "nnunet"
  std::string root;                // what the paths below are relative to; empty: the working directory
  std::string images;              // scans: folder of images, one a subject, or pattern, or JSON list of patterns
  std::string labels;              // labels, scans: folder (pattern) of manual label maps; scans: may be left out where
  std::string automatic_labels;    // scans: there is this folder (pattern) of label maps that a program made
  std::string table;               // scans: CSV file that says which files are whose, in place of the three above
  bool strict = false;             // scans, nnunet: whether a subject that lacks a file ends the run
  std::string classes, pairs, ignore;  // own_label_table()'s, in place of label_table
  std::string automatic_classes;       // the same names with the ids that automatic_labels have
  std::string label_table = "freesurfer";
  std::string automatic_label_table = "freesurfer";
  std::string label_suffix;            // scans: what file names of labels have behind the subject's name, "_glm"
  std::string automatic_label_suffix;  // the same of automatic_labels
  std::string geometry = "checked";    // scans: "checked", "image" or "files": where labels lie, see pairing.hpp
  std::string exclude;                 // labels, scans: subjects to leave out, separated by spaces
  int subjects = 0;                    // phantom: how many; else 0 for all in the folder
  int size = 0;                        // slices of size x size pixels over a field of view of 256 mm; see cube_size()
  GridSpec grid;                       // in place of size
  std::string axis = "auto";           // that slices are cut along: "axial", "coronal", "sagittal" or "auto"
  std::string intensity = "t1";        // rule of intensity.hpp
  int scans_per_subject = 1;
  std::uint64_t seed = 1;
  SplitSpec split;
  SynthesisOptions synthesis;
  LabelBiasOptions label_bias;
};

template <class Visitor>
void describe(Visitor& visit, CohortSpec& c) {
  visit.choice(
      "source", c.source, {"phantom", "labels", "scans", "nnunet"},
      "formula; images synthesised from label maps of whole heads; scans with their labels, as they come; or a "
      "data set of the Decathlon or nnU-Net, with its dataset.json in root");
  visit.text("root", c.root, "folder that paths are relative to; default: the working directory");
  visit.structured("images", c.images,
                   "folder of scans, one a subject, or a pattern such as sub-{subject}/anat/*_T1w.nii.gz, or a list of "
                   "patterns, one a channel; NIfTI, MGZ, PNG or TIFF (source: scans)");
  visit.text("labels", c.labels, "folder or pattern of manual label maps (source: labels, scans)");
  visit.text("automatic_labels", c.automatic_labels,
             "folder or pattern of label maps that a program made, beside or instead of labels (source: scans)");
  visit.text("table", c.table,
             "CSV file with columns subject, image, labels, automatic_labels, part, person, in place of images and "
             "labels (source: scans)");
  visit.flag("strict", c.strict, "refuse a subject that lacks a file, where it would be left out and named");
  visit.structured("classes", c.classes,
                   "names of the classes and the ids of each in the labels, {Anterior: 1, Posterior: [2, 3]}, in place "
                   "of label_table; predictions have the first id");
  visit.structured("automatic_classes", c.automatic_classes, "the same names with their ids in automatic_labels");
  visit.structured("pairs", c.pairs, "classes on the left and their twins on the right, {Left-Kidney: Right-Kidney}");
  visit.structured("ignore", c.ignore, "ids of voxels that nobody has judged, which count nowhere");
  visit.text("label_table", c.label_table,
             "protocol of the ids in labels: freesurfer or miccai2012, or one of them `without` some foldings");
  visit.text("automatic_label_table", c.automatic_label_table, "the same of the ids in automatic_labels");
  visit.text("label_suffix", c.label_suffix,
             "what names of label maps have behind the scan's: _glm for 1000_3_glm.nii.gz (source: scans)");
  visit.text("automatic_label_suffix", c.automatic_label_suffix, "the same of the files in automatic_labels");
  visit.choice("geometry", c.geometry, {"checked", "image", "files"},
               "where labels lie: as their headers say, but labels of the image's size must lie where it lies; at the "
               "image's voxels, whatever their headers say; or as their headers say (source: scans)");
  visit.text("exclude", c.exclude, "names of subjects to leave out, separated by spaces; they need not be there");
  visit.integer("subjects", c.subjects, 0, 1000000, "number of subjects, the first by name; 0: all in the folder");
  visit.integer(
      "size", c.size, 0, 256,
      "pixels along a side of the 256 mm field of view: 256 is 1 mm, 128 is 2 mm; 0: 256 with label_table, grid "
      "with classes");
  visit.group("grid", c.grid, "pixels and their size, in place of size");
  visit.choice("axis", c.axis, {"auto", "axial", "coronal", "sagittal"},
               "how slices are cut; auto: across the thickest voxels, axial where none is (with grid)");
  visit.choice("intensity", c.intensity, {"t1", "zscore", "zscore_foreground", "ct", "none"},
               "how intensities become what the net sees");
  visit.integer("scans_per_subject", c.scans_per_subject, 1, 1000,
                "scans drawn from each anatomy, for training; validation and test see the first, undeformed");
  visit.seed("seed", c.seed, "seed of anatomies, scans and split");
  visit.group("split", c.split, "which subjects train, validate and test");
  visit.group("synthesis", c.synthesis, "how T1 images are drawn from label maps");
  visit.group("label_bias", c.label_bias,
              "automatic labels beside the true ones, with this bias; none where all are 0");
}

/// Whether the scans have labels that count as the truth, without which no one can be tested. A table of files may turn
/// out to have none, or to have automatic ones: Cohort knows.
inline bool has_manual_labels(const CohortSpec& spec) {
  return spec.source != "scans" || !spec.labels.empty() || !spec.table.empty();
}

/// Whether the scans have automatic labels, a program's or biased ones.
inline bool has_automatic_labels(const CohortSpec& spec) {
  if (spec.source == "scans") return !spec.automatic_labels.empty() || !spec.table.empty();
  return spec.source != "nnunet" && !(spec.label_bias == LabelBiasOptions{});
}

/// Whether `images` names files by patterns, in place of a folder.
inline bool has_patterns(const CohortSpec& spec) {
  return spec.images.find('{') != std::string::npos || spec.images.starts_with('[');
}

/// Side in pixels of slices over the field of view of 256 mm, or nothing where the cohort has a grid of its own.
inline std::optional<int> cube_size(const CohortSpec& spec) {
  const bool own = !(spec.grid == GridSpec{}) || (spec.size == 0 && (!spec.classes.empty() || spec.source == "nnunet"));
  if (own) return std::nullopt;
  return spec.size > 0 ? spec.size : 256;
}

/// Of slices in pixels, {width, height}, where that is known before a file is read.
inline std::optional<std::array<int, 2>> slice_size(const CohortSpec& spec) {
  if (const auto size = cube_size(spec)) return std::array{*size, *size};
  if (spec.grid.width > 0 && spec.grid.height > 0) return std::array{spec.grid.width, spec.grid.height};
  return std::nullopt;
}

/// Of the generator of each source. Raise one when the same spec of that source gives other voxels than before:
/// phantom_head; conforming of scans; what synthetic scans share (deform, synthesise_t1, bias_labels, resampling, what
/// is drawn with which key) raises the first two.
inline constexpr int kPhantomVersion = 2, kLabelMapVersion = 2, kScanVersion = 3;

inline int generator_version(const CohortSpec& spec) {
  return spec.source == "phantom" ? kPhantomVersion : spec.source == "labels" ? kLabelMapVersion : kScanVersion;
}

/// An option that does not go with the cohort's source, and why.
struct CohortFault {
  std::string key, what;
};

/// The first one, or nothing. Looks at no file.
std::optional<CohortFault> fault_of(const CohortSpec& spec);

/// The options that the pixels of a shard depend on, other than the defaults, as lines "NAME=VALUE" (so that an option
/// that is added later changes no hash of before); without paths, label tables and the split, which names of subjects,
/// bytes of files and hashes of tables stand for.
std::string canonical_text(const CohortSpec& spec);

}  // namespace crossfade::data
