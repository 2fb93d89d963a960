// Scans as they come, from files that nibabel wrote to shards, beside what nibabel and SciPy make of them.
#include "data/cohorts/subject.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>

#include "data/labels/label_table.hpp"
#include "data/volumes/conform.hpp"
#include "data/volumes/image.hpp"
#include "data/volumes/nifti.hpp"
#include "data/volumes/resample.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int kBlockStart = 111, kBlock = 32;  // the part of the cube that nibabel_volumes.py writes

template <class T>
std::vector<T> read_block(const fs::path& file) {
  std::vector<T> numbers(kBlock * kBlock * kBlock);
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(numbers.data()), static_cast<std::streamsize>(numbers.size() * sizeof(T)));
  EXPECT_TRUE(in) << file;
  return numbers;
}

/// The folders that nibabel_volumes.py made once, and a copy for each test to damage.
class ScannedSubject : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    made_ = new TemporaryFolder;
    const std::string command =
        std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/nibabel_volumes.py cohort " + made_->path.string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { delete made_; }

  void SetUp() override {
    fs::copy(made_->path, root_, fs::copy_options::recursive);
    spec_.source = "scans";
    spec_.root = root_.string();
    spec_.images = "images";
    spec_.labels = "labels";
    spec_.automatic_labels = "automatic";
    spec_.label_table = "miccai2012";
  }

  fs::path prepare(const CohortSpec& spec) const {
    prepare_cohort(open_cohort(spec), hash_cohort(open_cohort(spec)), shards_, 1, {});
    return shards_;
  }

  static TemporaryFolder* made_;
  TemporaryFolder folder_;
  fs::path root_ = folder_.path / "root", shards_ = folder_.path / "shards";
  CohortSpec spec_;
};
TemporaryFolder* ScannedSubject::made_ = nullptr;

Volume<std::uint8_t> labels_of(const Shard& shard, LabelKind kind) {
  Volume<std::uint8_t> labels{shard.info().grid, std::vector<std::uint8_t>(shard.info().grid.voxels())};
  shard.read(0, shard.info().slices(), {}, labels.voxels, kind);
  return labels;
}

Volume<std::uint8_t> image_of(const Shard& shard) {
  Volume<std::uint8_t> image{shard.info().grid, std::vector<std::uint8_t>(shard.info().grid.voxels())};
  shard.read(0, shard.info().slices(), image.voxels, {});
  return image;
}

/// All voxels: `check(value, expected)` in the block, 0 elsewhere.
template <class Expected, class Check>
void for_each_voxel(const Volume<std::uint8_t>& volume, const std::vector<Expected>& block, const Check& check) {
  std::size_t outside = 0;
  for (int k = 0; k < 256; ++k)
    for (int j = 0; j < 256; ++j)
      for (int i = 0; i < 256; ++i) {
        const int x = i - kBlockStart, y = j - kBlockStart, z = k - kBlockStart;
        if (std::min({x, y, z}) < 0 || std::max({x, y, z}) >= kBlock)
          outside += volume.at(i, j, k) > 0 ? 1 : 0;
        else
          check(volume.at(i, j, k), block[static_cast<std::size_t>(x + kBlock * (y + kBlock * z))]);
      }
  EXPECT_EQ(outside, 0U);
}

void expect_image(const Volume<std::uint8_t>& image, const std::vector<float>& expected) {
  int inside = 0, wrong = 0;
  for_each_voxel(image, expected, [&](std::uint8_t found, float grey) {
    if (std::isnan(grey)) return;
    inside += grey > 0 ? 1 : 0;
    wrong += std::abs(static_cast<float>(found) - grey) > 0.51F ? 1 : 0;  // rounded, and float32 in the headers
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(inside, 2700);  // 17 * 12 * 9 voxels of 0.7 * 1.25 * 2.1 cubic millimetres are 3374
}

void expect_labels(const Volume<std::uint8_t>& labels, const std::vector<std::int32_t>& expected) {
  int inside = 0, wrong = 0, undecided = 0;
  for_each_voxel(labels, expected, [&](std::uint8_t found, std::int32_t c) {
    undecided += c < 0 ? 1 : 0;
    inside += c > 0 ? 1 : 0;
    wrong += c >= 0 && found != c ? 1 : 0;
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(inside, 1000);
  EXPECT_LT(undecided, 300);
}

TEST_F(ScannedSubject, LiesWhereNibabelPutsItWithBothKindsOfLabelsAndGoesBackToItsOwnGrid) {
  ASSERT_THAT(subject_names(open_cohort(spec_)), ElementsAre("a", "b", "c"));
  const std::vector<Shard> shards = open_shards(prepare(spec_), {"a", "b", "c"});
  for (const Shard& shard : shards) {
    const ShardInfo& info = shard.info();
    SCOPED_TRACE(info.subject);
    EXPECT_EQ(info.grid.size, (std::array<int, 3>{256, 256, 256}));
    EXPECT_EQ(info.label_table, "miccai2012");
    EXPECT_EQ(info.scans.size(), 1U);
    const fs::path reference = root_ / info.subject;
    expect_image(image_of(shard), read_block<float>(reference.string() + ".grey"));
    expect_labels(labels_of(shard, LabelKind::kManual), read_block<std::int32_t>(reference.string() + ".labels"));
    expect_labels(labels_of(shard, LabelKind::kAutomatic), read_block<std::int32_t>(reference.string() + ".automatic"));
    const Volume<std::int32_t> original = read_labels(subject_of(open_cohort(spec_), info.subject).labels);
    EXPECT_EQ(shard.original_labels().geometry, original.geometry);
    EXPECT_EQ(shard.original_labels().voxels, original.voxels);
  }
  EXPECT_THAT(shards[1].info().source, AllOf(HasSubstr("b.mgz"), HasSubstr("labels: b.nii.gz"), HasSubstr("b.mgh"),
                                             HasSubstr("freesurfer"), testing::Not(HasSubstr(root_.string()))));

  // c's labels are parallel to the cube and coarser, so that every one of their voxels holds the centre of a voxel of
  // the cube that is nearer to no other: there and back they must not change.
  const Volume<std::int32_t> original = shards[2].original_labels();
  EXPECT_EQ(nearest_on(labels_of(shards[2], LabelKind::kManual), original.geometry).voxels,
            map_labels(original, label_table("miccai2012")).classes.voxels);
}

TEST_F(ScannedSubject, GoesOnToCoarserGridsAsSyntheticScansDo) {
  spec_.subjects = 1;
  const Shard full(prepare(spec_) / "a.h5");
  const Volume<std::uint8_t> image = image_of(full), labels = labels_of(full, LabelKind::kManual);
  spec_.size = 64;
  prepare_cohort(open_cohort(spec_), hash_cohort(open_cohort(spec_)), folder_.path / "coarse", 1, {});
  const Shard coarse(folder_.path / "coarse" / "a.h5");
  EXPECT_EQ(coarse.info().grid, cube_around(full.info().grid, 64, 256));
  EXPECT_EQ(image_of(coarse).voxels, resample_image(image, coarse.info().grid).voxels);
  EXPECT_EQ(labels_of(coarse, LabelKind::kManual).voxels, resample_labels(labels, coarse.info().grid).voxels);
}

TEST_F(ScannedSubject, OfAutomaticLabelsAloneHasNoneThatCouldBeTakenForTheTruth) {
  spec_.labels.clear();
  spec_.subjects = 1;
  spec_.size = 64;
  EXPECT_FALSE(has_manual_labels(spec_));
  EXPECT_TRUE(has_automatic_labels(spec_));
  const Shard shard(prepare(spec_) / "a.h5");
  EXPECT_FALSE(shard.info().has_manual);
  EXPECT_TRUE(shard.info().has_automatic);
  EXPECT_EQ(shard.info().label_table, "freesurfer");
  EXPECT_GT(shard.info().scans[0].automatic.pixels[1], 0U);
  EXPECT_TRUE(shard.info().scans[0].manual.pixels.empty());
  EXPECT_GT(labels_of(shard, LabelKind::kAutomatic).voxels.size(), 0U);
  const auto refused =
      ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("a.h5"), HasSubstr("there are no manual labels")));
  EXPECT_THAT([&] { labels_of(shard, LabelKind::kManual); }, refused);
  EXPECT_THAT([&] { shard.labelled_slices(0); }, refused);
  EXPECT_THAT([&] { shard.original_labels(); }, refused);
}

TEST_F(ScannedSubject, WithoutOneOfItsFilesOrWithTwoIsRefusedByName) {
  const auto expect_refused = [&](const auto& words) {
    EXPECT_THAT([&] { subject_names(open_cohort(spec_)); }, ThrowsMessage<std::runtime_error>(words));
  };
  const std::string image = (root_ / "images/b.mgz").string();
  fs::rename(root_ / "labels/b.nii.gz", root_ / "labels/b.nii.gz.old");
  expect_refused(image + " has no labels in " + (root_ / "labels").string() +
                 ": expected b.nii.gz, .nii, .mgz or .mgh");
  spec_.subjects = 1;
  EXPECT_THAT(subject_names(open_cohort(spec_)), ElementsAre("a")) << "b is not needed";
  spec_.subjects = 0;
  fs::rename(root_ / "labels/b.nii.gz.old", root_ / "labels/b.nii.gz");
  fs::remove(root_ / "automatic/b.mgh");
  expect_refused(HasSubstr(image + " has no automatic labels in " + (root_ / "automatic").string()));
  fs::copy(root_ / "labels/a.mgz", root_ / "labels/a.mgh");
  expect_refused(AllOf(HasSubstr((root_ / "labels").string()), HasSubstr("'a'"), HasSubstr("a.mgh and as a.mgz")));
  fs::copy(root_ / "images/c.nii", root_ / "images/c.nii.gz");
  expect_refused(AllOf(HasSubstr((root_ / "images").string()), HasSubstr("'c'"), HasSubstr("c.nii and as c.nii.gz")));
  spec_.images = "none";
  expect_refused(AllOf(HasSubstr((root_ / "none").string()), HasSubstr("no folder of scans")));
  spec_.images = ".";
  expect_refused(HasSubstr("no scan (.nii.gz, .nii, .mgz, .mgh, .png or .tif) in this folder"));
}

TEST_F(ScannedSubject, WithLabelsOfAnotherScanIsRefusedByName) {
  const std::string file = (root_ / "labels/a.mgz").string();
  const auto expect_refused = [&](const std::string& words) {
    EXPECT_THAT([&] { prepare(spec_); }, ThrowsMessage<std::runtime_error>(HasSubstr(words)));
  };
  spec_.subjects = 1;
  Volume<std::int32_t> labels = read_labels(file);
  fs::remove(root_ / "labels/a.mgz");
  const std::string moved = (root_ / "labels/a.nii.gz").string();
  labels.geometry.affine[2][3] += 60;  // inside the cube still, but 40 mm from the image
  write_label_map(moved, labels);
  expect_refused(moved + ": of its");
  labels.geometry.affine[2][3] -= 60;
  for (std::int32_t& id : labels.voxels) id = 300;
  write_label_map(moved, labels);
  expect_refused(moved + ": no voxel has an id of a class in the label table 'miccai2012'");
  fs::resize_file(moved, fs::file_size(moved) / 2);
  expect_refused(moved);
  EXPECT_TRUE(fs::is_empty(shards_));
}

TEST_F(ScannedSubject, TellsOfIdsThatItsTablesDoNotName) {
  spec_.subjects = 1;
  const SubjectNotes notes = scanned_subject(open_cohort(spec_), subject_of(open_cohort(spec_), "a")).notes;
  ASSERT_EQ(notes.labels.size(), 2U);
  EXPECT_EQ(notes.labels[0].table, "miccai2012");
  EXPECT_THAT(notes.labels[0].unnamed, ElementsAre(testing::Key(999)));
  EXPECT_EQ(notes.labels[1].table, "freesurfer");
  EXPECT_THAT(notes.labels[1].unnamed, ElementsAre(testing::Key(502)));
}

TEST_F(ScannedSubject, WhoseLabelsLieElsewhereByTheirHeaderTakesTheImagesPlaceWhereTold) {
  // c's automatic labels are of its image's size. Their header loses its place; the voxels are those of before.
  spec_.exclude = "a b";
  const fs::path file = root_ / "automatic/c.nii.gz";
  const Shard before(prepare(spec_) / "c.h5");
  Volume<std::int32_t> labels = read_labels(file);
  labels.geometry.affine = {{{-1, 0, 0, 8}, {0, 1, 0, -6}, {0, 0, 1, -4}}};
  write_label_map(file, labels);
  EXPECT_THAT([&] { prepare(spec_); },
              ThrowsMessage<std::runtime_error>(AllOf(HasSubstr(file.string()), HasSubstr("images/c.nii"),
                                                      HasSubstr("[-1 0 0 8], [0 1 0 -6], [0 0 1 -4]"),
                                                      HasSubstr("geometry: image"))));
  spec_.geometry = "image";
  spec_.labels.clear();  // those of c have another size
  prepare_cohort(open_cohort(spec_), hash_cohort(open_cohort(spec_)), folder_.path / "again", 1, {});
  const Shard again(folder_.path / "again" / "c.h5");
  EXPECT_EQ(labels_of(again, LabelKind::kAutomatic).voxels, labels_of(before, LabelKind::kAutomatic).voxels);
  spec_.labels = "labels";
  EXPECT_THAT(
      [&] { prepare_cohort(open_cohort(spec_), hash_cohort(open_cohort(spec_)), folder_.path / "third", 1, {}); },
      ThrowsMessage<std::runtime_error>(
          AllOf(HasSubstr("labels/c.mgh"), HasSubstr("12 x 11 x 9"), HasSubstr("17 x 12 x 9"))));
}

TEST_F(ScannedSubject, IsFoundBesideHiddenFilesAndByEndingsInCapitals) {
  std::ofstream(root_ / "images/._a.nii.gz") << "what another system left";
  fs::rename(root_ / "images/b.mgz", root_ / "images/b.MGZ");
  fs::rename(root_ / "labels/b.nii.gz", root_ / "labels/b.NII.GZ");
  fs::copy(root_ / "labels/c.mgh", root_ / "labels/d.mgh");
  EXPECT_THAT(subject_names(open_cohort(spec_)), ElementsAre("a", "b", "c"));
  EXPECT_EQ(subject_of(open_cohort(spec_), "b").labels, root_ / "labels/b.NII.GZ");
  EXPECT_EQ(read_labels(root_ / "labels/b.NII.GZ").voxels.size(), 12U * 11 * 9);
  ASSERT_THAT(open_cohort(spec_).remarks, testing::SizeIs(1));
  EXPECT_EQ(open_cohort(spec_).remarks[0].text, "not used, as there is no scan of that name: labels: d.mgh (1 file)");
}

TEST_F(ScannedSubject, BehindALinkToNothingIsNamedWithWhereItPoints) {
  for (const char* link : {"images/d.nii.gz", "labels/c.mgh"}) {
    fs::remove(root_ / link);
    fs::create_symlink("/nowhere/at.all", root_ / link);
    EXPECT_THAT([&] { subject_names(open_cohort(spec_)); },
                ThrowsMessage<std::runtime_error>(
                    AllOf(HasSubstr((root_ / link).string()), HasSubstr("a link to /nowhere/at.all"))));
    fs::remove(root_ / link);
  }
}

TEST_F(ScannedSubject, HasAHashOfAllItsFilesAndOfNoPath) {
  const std::string hash = hash_cohort(open_cohort(spec_)).cohort;
  CohortSpec moved = spec_;
  fs::rename(root_ / "images", folder_.path / "elsewhere");
  moved.root = folder_.path.string();
  moved.images = "elsewhere";
  moved.labels = (root_ / "labels").string();
  moved.automatic_labels = "root/automatic";
  EXPECT_EQ(hash_cohort(open_cohort(moved)).cohort, hash);
  moved.automatic_label_table = "miccai2012";
  EXPECT_NE(hash_cohort(open_cohort(moved)).cohort, hash);
  moved.automatic_label_table = "freesurfer";
  std::set<std::string> hashes{hash};
  for (const fs::path& file :
       {folder_.path / "elsewhere/b.mgz", root_ / "labels/b.nii.gz", root_ / "automatic/b.mgh"}) {
    std::ofstream(file, std::ios::app) << "x";
    EXPECT_TRUE(hashes.insert(hash_cohort(open_cohort(moved)).cohort).second) << file;
  }
}

TEST_F(ScannedSubject, MayBeALabelMapOfFreeSurferFormatAlone) {
  CohortSpec spec;
  spec.source = "labels";
  spec.root = root_.string();
  spec.labels = "labels";
  spec.label_table = "miccai2012";
  spec.subjects = 1;
  spec.size = 64;
  const Shard shard(prepare(spec) / "a.h5");
  EXPECT_EQ(shard.original_labels().voxels, read_labels(root_ / "labels/a.mgz").voxels);
  EXPECT_GT(shard.info().scans[0].manual.pixels[1], 0U);
}

TEST_F(ScannedSubject, RefusesWhatGoesWithAnotherSource) {
  const auto fault = [&](const std::function<void(CohortSpec&)>& change) {
    CohortSpec spec = spec_;
    change(spec);
    const auto found = fault_of(spec);
    EXPECT_THAT([&] { subject_names(open_cohort(spec)); },
                ThrowsMessage<std::runtime_error>(found ? found->what : "a fault"));
    return found ? found->key : "";
  };
  EXPECT_FALSE(fault_of(spec_));
  EXPECT_EQ(fault([](CohortSpec& c) { c.label_bias.noise_mm = 1; }), "label_bias");
  EXPECT_EQ(fault([](CohortSpec& c) { c.synthesis.noise = 1; }), "synthesis");
  EXPECT_EQ(fault([](CohortSpec& c) { c.scans_per_subject = 2; }), "scans_per_subject");
  EXPECT_EQ(fault([](CohortSpec& c) { c.images.clear(); }), "images");
  EXPECT_EQ(fault([](CohortSpec& c) { c.labels = c.automatic_labels = ""; }), "labels");
  EXPECT_EQ(fault([](CohortSpec& c) { c.source = "labels"; }), "images");
  EXPECT_EQ(fault([](CohortSpec& c) {
              c.source = "labels";
              c.images.clear();
              c.automatic_labels.clear();
              c.geometry = "image";
            }),
            "geometry");
  EXPECT_EQ(fault([](CohortSpec& c) {
              c.source = "labels";
              c.images.clear();
            }),
            "automatic_labels");
  EXPECT_EQ(fault([](CohortSpec& c) { c.source = "mri"; }), "source");
  const auto phantom = [](CohortSpec& c) {
    c = {};
    c.subjects = 1;
  };
  EXPECT_EQ(fault([&](CohortSpec& c) { phantom(c), c.root = "x"; }), "root");
  EXPECT_EQ(fault([&](CohortSpec& c) { phantom(c), c.labels = "x"; }), "labels");
  EXPECT_EQ(fault([&](CohortSpec& c) { phantom(c), c.images = "x"; }), "images");
}

}  // namespace
}  // namespace crossfade::data
