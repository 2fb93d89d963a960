#include "data/cohorts/cohort.hpp"
#include "data/cores.hpp"
#include "data/labels/structures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <thread>

#include "data/hash.hpp"
#include "data/labels/label_table.hpp"
#include "data/volumes/nifti.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A "head" on a grid of 40 x 60 x 50 voxels of 1 mm whose axes run to the left, inferior, anterior: a ball of white
/// matter (41) with the right thalamus (49) towards one corner, 10 voxels of an id that no table names.
Volume<std::int32_t> small_head(std::int32_t thalamus = 49) {
  Volume<std::int32_t> map;
  map.geometry.size = {40, 60, 50};
  map.geometry.affine = {{{-1, 0, 0, 60}, {0, 0, 1, -20}, {0, -1, 0, 30}}};
  map.voxels.assign(map.geometry.voxels(), 0);
  for (int k = 0; k < 50; ++k)
    for (int j = 0; j < 60; ++j)
      for (int i = 0; i < 40; ++i)
        if ((i - 20) * (i - 20) + (j - 30) * (j - 30) + (k - 25) * (k - 25) < 18 * 18) map.at(i, j, k) = 41;
  for (int k = 26; k < 34; ++k)
    for (int j = 32; j < 40; ++j)
      for (int i = 10; i < 18; ++i) map.at(i, j, k) = thalamus;
  for (int i = 0; i < 10; ++i) map.at(i, 0, 0) = 777;
  return map;
}

CohortSpec labels_in(const std::filesystem::path& folder) {
  CohortSpec spec;
  spec.source = "labels";
  spec.labels = folder.string();
  spec.size = 64;
  return spec;
}

struct Prepared {
  std::vector<std::string> made;  // subjects
  std::vector<std::string> remarks;
  int last_done = 0, total = 0;
};

Prepared prepare(const CohortSpec& spec, const std::filesystem::path& directory, int threads = 2) {
  Prepared result;
  const auto progress = [&](int done, int total, const std::string& subject) {
    result.made.push_back(subject);
    result.last_done = done;
    result.total = total;
  };
  for (const Remark& remark :
       prepare_cohort(open_cohort(spec), hash_cohort(open_cohort(spec)), directory, threads, progress))
    result.remarks.push_back(remark.text);
  return result;
}

TEST(Cohort, IsPreparedInOneThreadOrOneACore) {
  CohortSpec spec;
  spec.subjects = 3;
  spec.size = 32;
  for (const int threads : {1, 0}) {
    const TemporaryFolder folder;
    std::set<std::thread::id> workers;
    prepare_cohort(open_cohort(spec), hash_cohort(open_cohort(spec)), folder.path, threads,
                   [&](int, int, const std::string&) { workers.insert(std::this_thread::get_id()); });
    if (threads == 1) {
      EXPECT_THAT(workers, ElementsAre(std::this_thread::get_id()));
    }
    EXPECT_LE(workers.size(), usable_cores().size());
    if (threads == 0 && usable_cores().size() > 1) {
      EXPECT_GT(workers.size(), 1U) << "a subject takes far longer than a thread's start";
    }
    EXPECT_EQ(open_shards(folder.path, subject_names(open_cohort(spec))).size(), 3u);
  }
}

TEST(Cohort, NamesPhantomsByNumberAndLabelMapsByFile) {
  CohortSpec phantom;
  phantom.subjects = 3;
  EXPECT_THAT(subject_names(open_cohort(phantom)), ElementsAre("phantom-001", "phantom-002", "phantom-003"));
  const TemporaryFolder folder;
  for (const char* name : {"b.nii", "a.1.nii.gz", "c.nii.gz", "readme.txt", ".nii"})
    std::ofstream(folder.path / name) << "x";
  CohortSpec labels = labels_in(folder.path);
  EXPECT_THAT(subject_names(open_cohort(labels)), ElementsAre("a.1", "b", "c"));
  labels.subjects = 2;
  EXPECT_THAT(subject_names(open_cohort(labels)), ElementsAre("a.1", "b"));
  EXPECT_EQ(subject_of(open_cohort(labels), "b").labels, folder.path / "b.nii");
  labels.exclude = "b  none";
  EXPECT_THAT(subject_names(open_cohort(labels)), ElementsAre("a.1", "c"));
  ASSERT_EQ(open_cohort(labels).remarks.size(), 1u);
  EXPECT_THAT(open_cohort(labels).remarks[0].text, HasSubstr("exclude leaves out nobody"));
  EXPECT_THAT(open_cohort(labels).remarks[0].text, HasSubstr("none"));
  std::ofstream(folder.path / "b_glm.mgz") << "x";
  CohortSpec scans;
  scans.source = "scans";
  scans.root = folder.path.string();
  scans.images = scans.labels = ".";
  scans.label_suffix = "_glm";
  scans.exclude = "a.1 b_glm c";
  EXPECT_THAT(subject_names(open_cohort(scans)), ElementsAre("b"));
  EXPECT_EQ(subject_of(open_cohort(scans), "b").labels, folder.path / "." / "b_glm.mgz");
  scans.exclude = "b_glm";
  EXPECT_THAT([&] { subject_names(open_cohort(scans)); },
              ThrowsMessage<std::runtime_error>(HasSubstr("expected a.1_glm.nii.gz")));
}

TEST(Cohort, RefusesFoldersWithoutWhatItNeedsByName) {
  const TemporaryFolder folder;
  CohortSpec spec = labels_in(folder.path);
  const auto names = [&] { subject_names(open_cohort(spec)); };
  EXPECT_THAT(names,
              ThrowsMessage<std::runtime_error>(AllOf(HasSubstr(folder.path.string()), HasSubstr("no label map"))));
  std::ofstream(folder.path / "a.nii") << "x";
  spec.subjects = 2;
  EXPECT_THAT(names, ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("1 label map"), HasSubstr("subjects is 2"))));
  std::ofstream(folder.path / "a.nii.gz") << "x";
  EXPECT_THAT(names, ThrowsMessage<std::runtime_error>(HasSubstr("'a'")));
  spec.labels = (folder.path / "none").string();
  EXPECT_THAT(names, ThrowsMessage<std::runtime_error>(HasSubstr(spec.labels)));
  spec.labels.clear();
  EXPECT_THAT(names, ThrowsMessage<std::runtime_error>(HasSubstr("labels")));
  CohortSpec phantom;
  EXPECT_THAT([&] { subject_names(open_cohort(phantom)); }, ThrowsMessage<std::runtime_error>(HasSubstr("subjects")));
  phantom.subjects = 1;
  phantom.label_table = "miccai2012";
  EXPECT_THAT([&] { subject_names(open_cohort(phantom)); }, ThrowsMessage<std::runtime_error>(HasSubstr("freesurfer")));
}

TEST(Cohort, HasAnotherHashForAllThatChangesItsShardsAndForNothingElse) {
  const TemporaryFolder folder;
  const auto maps = folder.path / "maps", elsewhere = folder.path / "elsewhere";
  for (const auto& path : {maps, elsewhere}) {
    std::filesystem::create_directory(path);
    std::ofstream(path / "a.nii") << "first";
    std::ofstream(path / "b.nii") << "second";
  }
  const CohortSpec spec = labels_in(maps);
  const std::string hash = hash_cohort(open_cohort(spec)).cohort;
  EXPECT_THAT(hash, testing::MatchesRegex("[0-9a-f]{16}"));
  const auto changed = [&](const std::function<void(CohortSpec&)>& change) {
    CohortSpec other = spec;
    change(other);
    return hash_cohort(open_cohort(other)).cohort;
  };
  // All that is hashed, so that a new option changes no hash of before.
  const std::string text = "generator=" + std::to_string(kLabelMapVersion) +
                           "\nshard=" + std::to_string(kShardVersion) +
                           "\nlabel_table=" + label_table("freesurfer").hash() +
                           "\nsource=labels\nsize=64\nsubject=a\n5\nfirstsubject=b\n6\nsecond";
  EXPECT_EQ(sha256_hex(text).substr(0, 16), hash);
  EXPECT_EQ(changed([](CohortSpec& c) { c.split = {.validation = 1, .folds = 2}; }), hash);
  EXPECT_EQ(changed([&](CohortSpec& c) { c.labels = elsewhere.string(); }), hash);
  EXPECT_EQ(changed([](CohortSpec& c) { c.subjects = 2; }), hash) << "all of the folder";
  EXPECT_EQ(changed([](CohortSpec& c) { c.exclude = "c"; }), hash) << "who is not there";

  std::set<std::string> hashes{hash};
  const auto expect_new = [&](const std::function<void(CohortSpec&)>& change) {
    EXPECT_TRUE(hashes.insert(changed(change)).second) << "change " << hashes.size();
  };
  expect_new([](CohortSpec& c) { c.exclude = "a"; });
  EXPECT_EQ(changed([](CohortSpec& c) { c.subjects = 1; }), changed([](CohortSpec& c) { c.exclude = "b"; }));
  expect_new([](CohortSpec& c) { c.subjects = 1; });
  expect_new([](CohortSpec& c) { c.label_table = "miccai2012"; });
  expect_new([](CohortSpec& c) { c.size = 65; });
  expect_new([](CohortSpec& c) { c.scans_per_subject = 2; });
  expect_new([](CohortSpec& c) { c.seed = 2; });
  expect_new([](CohortSpec& c) { c.synthesis.contrast = 1.0000001; });
  expect_new([](CohortSpec& c) { c.synthesis.bias = 0.4; });
  expect_new([](CohortSpec& c) { c.synthesis.blur_mm = 0.7; });
  expect_new([](CohortSpec& c) { c.synthesis.noise = 5; });
  expect_new([](CohortSpec& c) { c.synthesis.deformation_mm = 3; });
  expect_new([](CohortSpec& c) { c.label_bias.structures_mm = "Left-Amygdala 1"; });
  expect_new([](CohortSpec& c) {
    c = {};
    c.subjects = 2;
  });
  std::ofstream(maps / "b.nii") << "Second";
  EXPECT_TRUE(hashes.insert(hash_cohort(open_cohort(spec)).cohort).second);
  std::filesystem::rename(maps / "b.nii", maps / "c.nii");
  EXPECT_TRUE(hashes.insert(hash_cohort(open_cohort(spec)).cohort).second);
}

TEST(Cohort, OfLabelMapsKeepsEveryStructureInItsPlace) {
  const TemporaryFolder folder;
  const auto maps = folder.path / "maps", shards = folder.path / "new" / "shards";
  std::filesystem::create_directory(maps);
  write_label_map(maps / "head.nii.gz", small_head());
  CohortSpec spec = labels_in(maps);
  spec.size = 128;
  spec.scans_per_subject = 2;
  const Prepared prepared = prepare(spec, shards);
  EXPECT_EQ(prepared.last_done, 1);
  EXPECT_EQ(prepared.total, 1);
  EXPECT_THAT(prepared.made, ElementsAre("head"));
  EXPECT_THAT(prepared.remarks,
              ElementsAre("labels: not named by label table freesurfer, so class 0, in 1 of 1 subject, "
                          "1 id a subject: 777 (10 voxels)"));

  const std::vector<Shard> opened = open_shards(shards, {"head"});
  const Shard& shard = opened.at(0);
  EXPECT_EQ(shard.info().grid.size, (std::array<int, 3>{128, 128, 128}));
  ASSERT_EQ(shard.info().scans.size(), 2U);
  EXPECT_THAT(shard.info().source, AllOf(HasSubstr("head.nii.gz"), testing::Not(HasSubstr(maps.string()))));
  EXPECT_EQ(shard.original_labels().geometry, small_head().geometry);
  EXPECT_EQ(shard.original_labels().voxels, small_head().voxels);

  // The thalamus is 8 mm a side; voxel i = 10..17, j = 32..39, k = 26..33 of the map lie at x = 60 - i, y = k - 20,
  // z = 30 - j, so its centre at (46.5, 9.5, -5.5). On the grid of 2 mm its centre of mass must be there within half a
  // voxel, and its volume of 512 mm^3 within what rounding all its six faces to 2 mm can do.
  std::vector<std::uint8_t> images(shard.info().grid.voxels()), labels(images.size());
  shard.read(0, 128, images, labels);
  std::array<double, 3> centre{};
  double count = 0;
  for (int k = 0; k < 128; ++k)
    for (int j = 0; j < 128; ++j)
      for (int i = 0; i < 128; ++i) {
        if (labels[static_cast<std::size_t>((k * 128 + j) * 128 + i)] != 21) continue;
        count += 1;
        for (std::size_t r = 0; r < 3; ++r) {
          const auto& row = shard.info().grid.affine[r];
          centre[r] += row[0] * i + row[1] * j + row[2] * k + row[3];
        }
      }
  EXPECT_GE(count, 27);
  EXPECT_LE(count, 125);
  EXPECT_NEAR(centre[0] / count, 46.5, 1.0);
  EXPECT_NEAR(centre[1] / count, 9.5, 1.0);
  EXPECT_NEAR(centre[2] / count, -5.5, 1.0);
  EXPECT_EQ(shard.info().scans[0].manual.pixels[21], static_cast<std::uint64_t>(count));
  EXPECT_GT(shard.info().scans[0].channels[0].mean, 0);

  std::vector<std::uint8_t> second(labels.size());
  shard.read(128, 128, {}, second);
  EXPECT_NE(second, labels) << "the second scan is deformed";
}

TEST(Cohort, MakesASubjectTheSameWhicheverOthersAreThere) {
  const TemporaryFolder folder;
  const auto maps = folder.path / "maps";
  std::filesystem::create_directory(maps);
  write_label_map(maps / "b.nii.gz", small_head());
  const CohortSpec spec = labels_in(maps);
  const auto alone = folder.path / "alone", both = folder.path / "both";
  prepare(spec, alone, 1);
  write_label_map(maps / "a.nii.gz", small_head(10));
  EXPECT_EQ(prepare(spec, both, 2).made.size(), 2U);
  EXPECT_TRUE(bytes_of(alone / "b.h5") == bytes_of(both / "b.h5"));

  // What is there stays; what is missing is made.
  std::ofstream(both / "b.h5") << "not touched";
  std::filesystem::remove(both / "a.h5");
  const Prepared again = prepare(spec, both, 2);
  EXPECT_EQ(again.made.size(), 1U);
  EXPECT_EQ(again.last_done, 2);
  EXPECT_EQ(bytes_of(both / "b.h5"), "not touched");
  EXPECT_TRUE(prepare(spec, both, 2).made.empty());
  EXPECT_THAT([&] { open_shards(both, {"a", "b"}); }, ThrowsMessage<std::runtime_error>(HasSubstr("b.h5")));
  std::filesystem::copy_file(both / "a.h5", both / "c.h5");
  EXPECT_THAT([&] { open_shards(both, {"c"}); },
              ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("c.h5"), HasSubstr("'a'"))));
}

TEST(Cohort, NamesTheLabelMapThatItCannotUse) {
  const TemporaryFolder folder;
  const auto maps = folder.path / "maps", shards = folder.path / "shards";
  std::filesystem::create_directory(maps);
  const CohortSpec spec = labels_in(maps);
  std::ofstream(maps / "x.nii") << "no NIfTI at all";
  EXPECT_THAT([&] { prepare(spec, shards); }, ThrowsMessage<std::runtime_error>(HasSubstr((maps / "x.nii").string())));
  std::filesystem::remove(maps / "x.nii");

  Volume<std::int32_t> unknown = small_head();
  for (std::int32_t& id : unknown.voxels) id = id == 0 ? 0 : 9999;
  write_label_map(maps / "y.nii.gz", unknown);
  EXPECT_THAT([&] { prepare(spec, shards); },
              ThrowsMessage<std::runtime_error>(HasSubstr((maps / "y.nii.gz").string())));
  EXPECT_TRUE(std::filesystem::is_empty(shards)) << "no shard, and nothing half-written";
}

TEST(Cohort, OfPhantomsHasAllStructuresInEverySubject) {
  const TemporaryFolder folder;
  CohortSpec spec;
  spec.subjects = 2;
  spec.size = 64;
  EXPECT_EQ(prepare(spec, folder.path).made.size(), 2U);
  const std::vector<Shard> shards = open_shards(folder.path, subject_names(open_cohort(spec)));
  ASSERT_EQ(shards.size(), 2U);
  for (const Shard& shard : shards) {
    EXPECT_EQ(shard.info().width(), 64);
    EXPECT_EQ(shard.info().slices(), 64);
    EXPECT_EQ(shard.info().label_table, "freesurfer");
    for (std::size_t c = 0; c < kClasses; ++c) EXPECT_GT(shard.info().scans[0].manual.pixels[c], 0U) << kStructures[c];
    const Volume<std::int32_t> original = shard.original_labels();
    EXPECT_EQ(original.geometry.size, (std::array<int, 3>{256, 256, 256}));
    EXPECT_LE(*std::max_element(original.voxels.begin(), original.voxels.end()), 255) << "named ids only";
  }
  std::vector<std::uint8_t> first(64 * 64 * 64), second(first.size());
  shards[0].read(0, 64, {}, first);
  shards[1].read(0, 64, {}, second);
  EXPECT_NE(first, second);
}

TEST(Cohort, HasAutomaticLabelsWithTheBiasThatItStates) {
  const TemporaryFolder folder;
  CohortSpec spec;
  spec.subjects = 1;
  spec.size = 128;
  spec.scans_per_subject = 2;
  spec.label_bias = {.pallidum_mm = 1, .amygdala_mm = -1, .ventricles_mm = 1, .noise_mm = 0};
  prepare(spec, folder.path);
  const Shard shard(folder.path / "phantom-001.h5");
  ASSERT_TRUE(shard.info().has_automatic);
  for (const ScanInfo& scan : shard.info().scans) {
    const auto ratio = [&](std::size_t c) {
      return static_cast<double>(scan.automatic.pixels[c]) / static_cast<double>(scan.manual.pixels[c]);
    };
    // Structures a centimetre or two wide change by far more than a tenth where their surface moves by 1 mm.
    for (const std::size_t grown : {5U, 11U, 18U, 24U}) EXPECT_GT(ratio(grown), 1.1) << kStructures[grown];
    for (const std::size_t shrunk : {16U, 26U}) EXPECT_LT(ratio(shrunk), 0.9) << kStructures[shrunk];
    for (const std::size_t other : {2U, 6U, 14U, 20U}) EXPECT_NEAR(ratio(other), 1, 0.02) << kStructures[other];
  }
  CohortSpec without = spec;
  without.label_bias = {};
  EXPECT_FALSE(has_automatic_labels(without));
  EXPECT_NE(hash_cohort(open_cohort(spec)).cohort, hash_cohort(open_cohort(without)).cohort);
  prepare(without, folder.path / "without");
  const Shard same(folder.path / "without" / "phantom-001.h5");
  EXPECT_FALSE(same.info().has_automatic);
  std::vector<std::uint8_t> images(static_cast<std::size_t>(shard.info().slices()) * 128 * 128), labels(images.size());
  auto other_images = images, other_labels = labels;
  shard.read(0, shard.info().slices(), images, labels);
  same.read(0, shard.info().slices(), other_images, other_labels);
  EXPECT_EQ(images, other_images) << "scans and manual labels are the same";
  EXPECT_EQ(labels, other_labels);
}

}  // namespace
}  // namespace crossfade::data
