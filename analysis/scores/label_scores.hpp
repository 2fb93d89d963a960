// Scores of label volumes that any other tool wrote, on the grid that they came with.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "analysis/scores/dice.hpp"
#include "analysis/scores/surface.hpp"
#include "data/cohorts/remarks.hpp"
#include "data/labels/label_table.hpp"

namespace crossfade::analysis {

/// Two files of one subject.
struct VolumePair {
  std::string subject;
  std::filesystem::path labels, prediction;
};

struct PairedVolumes {
  std::vector<VolumePair> pairs;                // in order of subject
  std::vector<std::string> without_prediction;  // subjects that only the labels have
};

/// Matches the files of two folders by subject: the name without .nii, .nii.gz, .mgz or .mgh; other files are passed
/// over. Throws std::runtime_error for a folder that can't be read or holds no volume, for a subject that is there
/// twice in one folder, and for predictions without labels, by name.
PairedVolumes pair_volumes(const std::filesystem::path& labels, const std::filesystem::path& predictions);

/// One subject's scores against its labels; those of surfaces as in surface_scores() at kSurfaceToleranceMm.
struct SubjectScores {
  std::string subject;
  Counts counts;
  std::vector<SurfaceScores> surfaces;  // by class id
  std::array<double, 3> spacing_mm{};
  std::vector<data::LabelNotes> notes;  // of the labels and of the prediction
};

/// Reads both volumes and scores one against the other, ids to classes by the label table of each, in the classes that
/// both tables have. Both must have one size and one affine: nothing is resampled or reoriented, as that would be
/// scored as well. Voxels that the labels ignore are in no score; what the prediction's table ignores is class 0, as a
/// tool has judged every voxel. A prediction of zeros alone found nothing, and scores so. Throws std::invalid_argument
/// for tables of unlike classes, by the first that differs; std::runtime_error that names both files where they differ
/// (affines by entries more than 1e-3 apart), or the one that can't be read, is sheared, or has ids but none of a class
/// (unless its table's maps may be empty).
SubjectScores score_volumes(const VolumePair& pair, const data::LabelTable& labels, const data::LabelTable& prediction);

/// The side of the voxels in mm where all subjects have one and the same, to 1e-3 mm; otherwise not a number.
double common_voxel_mm(const std::vector<SubjectScores>& subjects);

/// The subjects' counts alone, for means of Dice.
std::vector<SubjectCounts> counts_of(const std::vector<SubjectScores>& subjects);

/// All four metrics for `runner score`, under the name of what made the predictions. Formats: text (means over
/// subjects of each structure, and each subject's mean Dice), csv (subject, structure, dice, hd95_mm, nsd,
/// volume_difference; a cell is empty where undefined), json. Throws std::invalid_argument for another, and for scores
/// of more or fewer classes than `classes`.
std::string render_label_scores(const std::string& name, const std::vector<SubjectScores>& subjects,
                                const data::Classes& classes, const std::string& format);

}  // namespace crossfade::analysis
