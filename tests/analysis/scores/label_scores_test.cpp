#include "analysis/scores/label_scores.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/volumes/nifti.hpp"
#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Volumes that nibabel wrote and their scores by MONAI; made once.
class LabelScores : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<TemporaryFolder>();
    const Said said = run({CROSSFADE_PYTHON, CROSSFADE_TESTS "/tool_volumes.py", std::to_string(kSurfaceToleranceMm),
                           folder->path.string()});
    ASSERT_EQ(said.status, 0);
    reference = nlohmann::json::parse(said.output);
  }
  static void TearDownTestSuite() { folder.reset(); }

  static std::vector<SubjectScores> score(const std::string& labels, const std::string& predictions,
                                          const std::string& label_table = "freesurfer") {
    std::vector<SubjectScores> scores;
    for (const VolumePair& pair : pair_volumes(*folder / labels, *folder / predictions).pairs)
      scores.push_back(score_volumes(pair, data::label_table(label_table), data::label_table("freesurfer")));
    return scores;
  }

  static std::unique_ptr<TemporaryFolder> folder;
  static nlohmann::json reference;
};
std::unique_ptr<TemporaryFolder> LabelScores::folder;
nlohmann::json LabelScores::reference;

void expect_near(double value, const nlohmann::json& expected, double tolerance) {
  if (expected.is_null())
    EXPECT_TRUE(std::isnan(value)) << value;
  else
    EXPECT_NEAR(value, expected.get<double>(), tolerance);
}

TEST_F(LabelScores, OfAnMgzAgainstNiftiAgreeWithMonai) {
  const auto scores = score("labels", "aseg");
  ASSERT_EQ(scores.size(), 2u);
  int with_distance = 0;
  for (const SubjectScores& subject : scores) {
    const auto dices = dice(subject.counts);
    for (std::size_t c = 1; c < data::kClasses; ++c) {
      SCOPED_TRACE(subject.subject + ", " + std::string(data::kStructures[c]));
      const auto& expected = reference.at(subject.subject).at(std::string(data::kStructures[c]));
      expect_near(dices[c], expected[0], 1e-6);                 // float32 there
      expect_near(subject.surfaces[c].nsd, expected[2], 1e-6);  // float32 there, of counts that are exact here
      expect_near(subject.surfaces[c].volume_difference, expected[3], 1e-12);
      if (expected[1].is_null()) continue;  // a structure of one of the two alone costs the diagonal, by convention
      expect_near(subject.surfaces[c].hd95_mm, expected[1], 1e-4);  // as in surface_test.cpp
      ++with_distance;
    }
  }
  EXPECT_GE(with_distance, 40);
}

TEST_F(LabelScores, AreTheSameWithLabelsOfAnotherProtocol) {
  const auto freesurfer = score("labels", "aseg"), miccai = score("miccai", "aseg", "miccai2012");
  ASSERT_EQ(miccai.size(), 2u);
  for (std::size_t s = 0; s < miccai.size(); ++s) EXPECT_EQ(miccai[s].counts, freesurfer[s].counts);
}

TEST_F(LabelScores, CountIdsThatNoTableNames) {
  for (const SubjectScores& subject : score("labels", "aseg")) {
    ASSERT_EQ(subject.notes.size(), 2u);
    EXPECT_THAT(subject.notes[0].unnamed, testing::ElementsAre(testing::Key(999)));
    EXPECT_TRUE(subject.notes[1].unnamed.empty()) << "1005 is a parcel of aparc";
  }
}

TEST_F(LabelScores, LeaveOutLabelsWithoutAPrediction) {
  EXPECT_EQ(pair_volumes(*folder / "labels", *folder / "aseg").without_prediction, std::vector<std::string>{"cleo"});
}

TEST_F(LabelScores, RefusePredictionsWithoutLabelsAndFoldersWithoutVolumes) {
  const auto refusal = [&](const std::string& labels, const std::string& predictions) {
    return error_of([&] { pair_volumes(*folder / labels, *folder / predictions); });
  };
  EXPECT_THAT(refusal("labels", "stranger"), HasSubstr("predictions without labels of that subject"));
  EXPECT_THAT(refusal("labels", "stranger"), HasSubstr("dora.mgz"));
  EXPECT_THAT(refusal("labels", "twice"), HasSubstr("subject 'anna' is there twice"));
  EXPECT_THAT(refusal("labels", "nowhere"), HasSubstr("nowhere: no folder of predictions"));
  std::filesystem::create_directories(*folder / "nothing");
  EXPECT_THAT(refusal("labels", "nothing"), HasSubstr("no volume (SUBJECT.nii, .nii.gz, .mgz or .mgh)"));
}

TEST_F(LabelScores, RefuseAnotherGridByBothNames) {
  const std::string cropped = error_of([&] { score("labels", "cropped"); });
  EXPECT_THAT(cropped, HasSubstr((*folder / "cropped").string() + "/anna.mgz: has 32 x 30 x 27 voxels"));
  EXPECT_THAT(cropped, HasSubstr((*folder / "labels").string() + "/anna.nii.gz have 32 x 30 x 28 voxels"));
  const std::string shifted = error_of([&] { score("labels", "shifted"); });
  EXPECT_THAT(shifted, HasSubstr("anna.mgz: its affine is not that of its labels"));
  EXPECT_THAT(shifted, HasSubstr("row 1, column 4: 17.26"));
  EXPECT_THAT(shifted, testing::Not(HasSubstr("row 2")));
  EXPECT_EQ(score("labels", "rounded")[0].counts, score("labels", "aseg")[0].counts);
}

TEST_F(LabelScores, RefuseAPredictionWithoutAStructureByName) {
  const std::string error = error_of([&] { score("labels", "empty"); });
  EXPECT_THAT(error, HasSubstr("empty/anna.mgz: no voxel has an id of a class"));
}

TEST_F(LabelScores, OfAPredictionThatFoundNothingAreThoseOfABlankOne) {
  const SubjectScores blank = score("labels", "blank")[0], other = score("labels", "aseg")[0];
  const auto diagonal = std::sqrt(32. * 32 + 30 * 30 + 28 * 28);  // of 32 x 30 x 28 voxels of 1 mm
  for (std::size_t c = 1; c < data::kClasses; ++c) {
    const bool there = other.counts.true_positive[c] + other.counts.false_negative[c] > 0;
    const double dice_here = dice(blank.counts)[c];
    EXPECT_TRUE(there ? dice_here == 0 : std::isnan(dice_here)) << c;
    if (!there) continue;
    EXPECT_NEAR(blank.surfaces[c].hd95_mm, diagonal, 1e-9);
    EXPECT_EQ(blank.surfaces[c].nsd, 0);
    EXPECT_EQ(blank.surfaces[c].volume_difference, -1);
  }
}

TEST_F(LabelScores, RefuseAShearedGrid) {
  EXPECT_THAT(error_of([&] { score("sheared-labels", "sheared"); }),
              AllOf(HasSubstr("sheared-labels/anna.mgz: its affine is sheared: the cosine between axes 1 and 2"),
                    HasSubstr("resample")));
}

TEST_F(LabelScores, AreOfOneVoxelSizeOrNone) {
  const auto scores = score("labels", "aseg");  // anna: 1 mm; bert: anisotropic
  EXPECT_EQ(common_voxel_mm({scores[0]}), 1);
  EXPECT_TRUE(std::isnan(common_voxel_mm({scores[1]})));
  EXPECT_TRUE(std::isnan(common_voxel_mm(scores)));
  EXPECT_TRUE(std::isnan(common_voxel_mm({})));
}

TEST_F(LabelScores, AreCsvOfExactlySixColumns) {
  std::istringstream csv(render_label_scores("a tool", score("labels", "aseg"), data::brain_classes(), "csv"));
  std::string line;
  std::getline(csv, line);
  EXPECT_EQ(line, "subject,structure,dice,hd95_mm,nsd,volume_difference");
  int rows = 0;
  while (std::getline(csv, line)) {
    ++rows;
    EXPECT_EQ(std::ranges::count(line, ','), 5) << line;
    const bool in_neither = line.starts_with("anna,3rd-Ventricle");
    EXPECT_EQ(line == "anna,3rd-Ventricle,,,,", in_neither) << line;
  }
  EXPECT_EQ(rows, 2 * 27);
}

TEST_F(LabelScores, HaveMeansOverSubjectsInJsonAndText) {
  const auto scores = score("labels", "aseg");
  const auto json = nlohmann::json::parse(render_label_scores("a tool", scores, data::brain_classes(), "json"));
  EXPECT_EQ(json["name"], "a tool");
  const auto mean = [&](int metric) {
    const auto& name = std::string(data::kStructures[1]);
    return (reference["anna"][name][metric].get<double>() + reference["bert"][name][metric].get<double>()) / 2;
  };
  const auto& structure = json["structures"][std::string(data::kStructures[1])];
  EXPECT_NEAR(structure["dice"].get<double>(), mean(0), 1e-6);
  EXPECT_NEAR(structure["hd95_mm"].get<double>(), mean(1), 1e-4);
  EXPECT_NEAR(structure["nsd"].get<double>(), mean(2), 1e-6);
  EXPECT_NEAR(structure["volume_difference"].get<double>(), mean(3), 1e-12);
  EXPECT_TRUE(json["structures"]["3rd-Ventricle"]["dice"].is_null());
  double sum = 0;
  int n = 0;
  for (const auto& [name, values] : reference["anna"].items())
    if (!values[0].is_null()) sum += values[0].get<double>(), ++n;
  EXPECT_NEAR(json["subjects"][0]["mean"].get<double>(), sum / n, 1e-6);
  EXPECT_EQ(json["subjects"][0]["left_out"], 27 - n);

  const std::string text = render_label_scores("a tool", scores, data::brain_classes(), "text");
  std::ostringstream rounded;
  rounded.precision(4);
  rounded << std::fixed << json["mean"].get<double>();
  EXPECT_THAT(text, HasSubstr("over 2 subject(s): " + rounded.str()));
  for (const char* title : {"a tool", "Dice", "HD95 (mm)", "NSD", "Volume difference", "Mean Dice"})
    EXPECT_THAT(text, HasSubstr(title));
  EXPECT_THROW(render_label_scores("a tool", scores, data::brain_classes(), "latex"), std::invalid_argument);
}

/// A row of voxels of 1 mm.
void write_row(const std::filesystem::path& file, const std::vector<std::int32_t>& ids) {
  data::Volume<std::int32_t> volume{{.size = {static_cast<int>(ids.size()), 1, 1}, .affine = {}}, ids};
  for (std::size_t axis = 0; axis < 3; ++axis) volume.geometry.affine[axis][axis] = 1;
  data::write_label_map(file, volume);
}

TEST(LabelScoresOfOwnClasses, CountWhatTheTableNamesAndWhatItDoesNotIgnore) {
  // Classes by the table: truth 1 1 - - 2 0 2, prediction 1 0 2 1 2 2 0; - is judged by nobody. Class 1: TP 1, FN 1.
  // Class 2: TP 1, FP 1, FN 1.
  TemporaryFolder folder;
  const data::LabelTable table =
      data::own_label_table({.classes = R"({"Liver": 6, "Spleen": [7, 8]})", .pairs = "", .ignore = "[200]"});
  write_row(folder / "truth.nii", {6, 6, 200, 200, 7, 0, 8});
  write_row(folder / "found.nii", {6, 200, 8, 6, 8, 7, 0});
  const SubjectScores scores = score_volumes({"anna", folder / "truth.nii", folder / "found.nii"}, table, table);
  EXPECT_EQ(scores.counts.true_positive, (std::vector<std::int64_t>{0, 1, 1}));
  EXPECT_EQ(scores.counts.false_positive, (std::vector<std::int64_t>{2, 0, 1}));
  EXPECT_EQ(scores.counts.false_negative, (std::vector<std::int64_t>{1, 1, 1}));
  ASSERT_EQ(scores.surfaces.size(), 3u);
  EXPECT_EQ(scores.surfaces[1].volume_difference, -0.5);
  EXPECT_EQ(scores.surfaces[2].volume_difference, 0);

  const std::string csv = render_label_scores("a tool", {scores}, table.classes, "csv");
  EXPECT_THAT(csv, HasSubstr("\nanna,Liver,0.666"));
  EXPECT_THAT(csv, HasSubstr("\nanna,Spleen,0.5,"));
  EXPECT_EQ(std::ranges::count(csv, '\n'), 3);
  EXPECT_THAT(error_of([&] { render_label_scores("a tool", {scores}, data::brain_classes(), "csv"); }),
              HasSubstr("subject 'anna' has counts of 3 classes, expected those of the 28"));
}

TEST(LabelScoresOfOwnClasses, AreOfTheClassesOfBothTables) {
  const auto refusal = [](const std::string& labels, const std::string& prediction) {
    return error_of([&] {
      score_volumes({"anna", "no.nii", "no.nii"}, data::own_label_table({labels, "", ""}),
                    data::own_label_table({prediction, "", ""}));
    });
  };
  EXPECT_THAT(refusal(R"({"Liver": 1, "Spleen": 2})", R"({"Liver": 1, "Kidney": 2})"),
              HasSubstr("unlike classes: class 2 is Spleen against Kidney"));
  EXPECT_THAT(refusal(R"({"Liver": 1, "Spleen": 2})", R"({"Liver": 1})"), HasSubstr("3 classes against 2"));
  EXPECT_THAT(refusal(R"({"Liver": 1})", R"({"Liver": 5})"), HasSubstr("no.nii"))
      << "ids may differ; the file is missing";
}

}  // namespace
}  // namespace crossfade::analysis
