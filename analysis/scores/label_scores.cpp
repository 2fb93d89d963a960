#include "analysis/scores/label_scores.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

#include "data/utf8.hpp"
#include "data/volumes/image.hpp"

namespace crossfade::analysis {
namespace {

namespace fs = std::filesystem;

// Headers hold float32, in NIfTI as a quaternion, in MGZ about the centre: up to some 1e-4 mm of rounding over a head.
constexpr double kAffineTolerance = 1e-3;

std::map<std::string, fs::path> some_volumes_in(const fs::path& folder, const std::string& what) {
  auto volumes = data::volumes_in(folder, what);
  if (volumes.empty())
    throw std::runtime_error(
        folder.string() + ": no volume (SUBJECT.nii, .nii.gz, .mgz or .mgh) or picture (.png, .tif) among the " + what);
  return volumes;
}

std::string text_of(const std::array<int, 3>& size) {
  return std::to_string(size[0]) + " x " + std::to_string(size[1]) + " x " + std::to_string(size[2]) + " voxels";
}

/// "row 1, column 4: 90.5 against 90", of entries that differ, rows and columns counted from 1; empty where none does.
std::string differences(const data::Geometry& prediction, const data::Geometry& labels) {
  std::string text;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 4; ++column) {
      const double of_prediction = prediction.affine[row][column], of_labels = labels.affine[row][column];
      if (std::abs(of_prediction - of_labels) <= kAffineTolerance) continue;
      text += (text.empty() ? "row " : "; row ") + std::to_string(row + 1) + ", column " + std::to_string(column + 1) +
              ": " + std::to_string(of_prediction) + " against " + std::to_string(of_labels);
    }
  }
  return text;
}

void require_same_grid(const VolumePair& pair, const data::Geometry& labels, const data::Geometry& prediction) {
  const std::string remedy = "; a prediction is scored on the grid of its labels, so resample it to that first";
  if (prediction.size != labels.size)
    throw std::runtime_error(pair.prediction.string() + ": has " + text_of(prediction.size) + ", its labels " +
                             pair.labels.string() + " have " + text_of(labels.size) + remedy);
  if (const std::string entries = differences(prediction, labels); !entries.empty())
    throw std::runtime_error(pair.prediction.string() + ": its affine is not that of its labels " +
                             pair.labels.string() + ": " + entries + remedy);
}

void require_same_classes(const data::LabelTable& labels, const data::LabelTable& prediction) {
  const std::string difference = data::class_difference(labels.classes.names, prediction.classes.names);
  if (!difference.empty())
    throw std::invalid_argument("the labels' table '" + labels.name + "' and the predictions' '" + prediction.name +
                                "' have unlike classes: " + difference +
                                "; a prediction is scored in the classes of its labels");
}

data::MappedLabels classes_of(const data::Volume<std::int32_t>& ids, const data::LabelTable& table,
                              const fs::path& file) {
  try {
    return data::map_labels(ids, table);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(file.string() + ": " + error.what());
  }
}

/// As map_labels, but of a tool that found nothing in a head the background alone; another protocol's ids, none of
/// which the table knows, are refused as ever.
data::MappedLabels prediction_of(const data::Volume<std::int32_t>& ids, const data::LabelTable& table,
                                 const fs::path& file) {
  if (std::ranges::all_of(ids.voxels, [](std::int32_t id) { return id == 0; }))
    return {{ids.geometry, std::vector<std::uint8_t>(ids.voxels.size())}, {}};
  data::MappedLabels mapped = classes_of(ids, table, file);
  std::ranges::replace(mapped.classes.voxels, data::kIgnored, std::uint8_t{0});
  return mapped;
}

data::LabelNotes notes_on(const std::string& kind, const data::LabelTable& table, const data::ReadingNotes& reading,
                          const data::IdCounts& unnamed) {
  data::LabelNotes notes;
  notes.kind = kind;
  notes.table = table.name;
  notes.reading = reading;
  notes.unnamed = unnamed;
  return notes;
}

}  // namespace

PairedVolumes pair_volumes(const fs::path& labels, const fs::path& predictions) {
  const auto truth = some_volumes_in(labels, "labels"), predicted = some_volumes_in(predictions, "predictions");
  std::string strangers;
  for (const auto& [subject, file] : predicted)
    if (!truth.contains(subject)) strangers += (strangers.empty() ? "" : ", ") + file.filename().string();
  if (!strangers.empty())
    throw std::runtime_error(predictions.string() + ": predictions without labels of that subject in " +
                             labels.string() + ": " + strangers);
  PairedVolumes result;
  std::map<std::string, fs::path> as_text;
  for (const auto& [subject, file] : truth) {
    const auto [twin, is_new] = as_text.emplace(data::valid_utf8(subject), file);
    if (!is_new)
      throw std::runtime_error(file.string() + " and " + twin->second.string() +
                               " differ in bytes alone that are no UTF-8, so that both would be stored as '" +
                               twin->first + "'; rename one");
    if (const auto found = predicted.find(subject); found != predicted.end())
      result.pairs.push_back({subject, file, found->second});
    else
      result.without_prediction.push_back(subject);
  }
  return result;
}

SubjectScores score_volumes(const VolumePair& pair, const data::LabelTable& labels,
                            const data::LabelTable& prediction) {
  require_same_classes(labels, prediction);
  const data::ReadVolume<std::int32_t> label_ids = data::read_labels(pair.labels);
  const data::ReadVolume<std::int32_t> prediction_ids = data::read_labels(pair.prediction);
  const data::Geometry& grid = label_ids.geometry;
  require_same_grid(pair, grid, prediction_ids.geometry);
  const data::MappedLabels truth = classes_of(label_ids, labels, pair.labels);
  const data::MappedLabels found = prediction_of(prediction_ids, prediction, pair.prediction);
  const LabelPair volumes{truth.classes.voxels, found.classes.voxels, grid.size, grid.spacing()};
  return {.subject = data::valid_utf8(pair.subject),
          .counts = count(volumes.truth, volumes.prediction, labels.classes.count()),
          .surfaces = surface_scores(volumes, labels.classes.count(), kSurfaceToleranceMm),
          .spacing_mm = volumes.spacing_mm,
          .notes = {notes_on("labels", labels, label_ids.notes, truth.unnamed),
                    notes_on("predictions", prediction, prediction_ids.notes, found.unnamed)}};
}

double common_voxel_mm(const std::vector<SubjectScores>& subjects) {
  double smallest = std::numeric_limits<double>::infinity(), largest = 0;
  for (const SubjectScores& s : subjects) {
    smallest = std::min(smallest, *std::ranges::min_element(s.spacing_mm));
    largest = std::max(largest, *std::ranges::max_element(s.spacing_mm));
  }
  if (subjects.empty() || !(largest - smallest <= 1e-3)) return std::numeric_limits<double>::quiet_NaN();
  return std::round(smallest * 1e3) / 1e3;  // headers round 0.7 mm to 0.69999999
}

std::vector<SubjectCounts> counts_of(const std::vector<SubjectScores>& subjects) {
  std::vector<SubjectCounts> counts;
  counts.reserve(subjects.size());
  for (const SubjectScores& s : subjects) counts.push_back({s.subject, s.counts});
  return counts;
}

}  // namespace crossfade::analysis
