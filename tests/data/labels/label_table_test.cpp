#include "data/labels/label_table.hpp"
#include "data/labels/structures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "data/random.hpp"
#include "data/volumes/nifti.hpp"

namespace crossfade::data {
namespace {

Volume<std::int32_t> line(std::vector<std::int32_t> ids, double spacing = 1) {
  const int size = static_cast<int>(ids.size());
  return {{{size, 1, 1}, {{{spacing, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}}, std::move(ids)};
}

int class_named(std::string_view name) {
  return static_cast<int>(std::find(kStructures.begin(), kStructures.end(), name) - kStructures.begin());
}

TEST(LabelTable, FreesurferIdsNameTheStructuresTheyHaveInItsColourTable) {
  const std::map<std::int32_t, std::string_view> colour_table{{2, "Left-Cerebral-White-Matter"},
                                                              {3, "Left-Cerebral-Cortex"},
                                                              {41, "Right-Cerebral-White-Matter"},
                                                              {42, "Right-Cerebral-Cortex"},
                                                              {4, "Left-Lateral-Ventricle"},
                                                              {7, "Left-Cerebellum-White-Matter"},
                                                              {8, "Left-Cerebellum-Cortex"},
                                                              {10, "Left-Thalamus"},
                                                              {11, "Left-Caudate"},
                                                              {12, "Left-Putamen"},
                                                              {13, "Left-Pallidum"},
                                                              {14, "3rd-Ventricle"},
                                                              {15, "4th-Ventricle"},
                                                              {16, "Brain-Stem"},
                                                              {17, "Left-Hippocampus"},
                                                              {18, "Left-Amygdala"},
                                                              {28, "Left-VentralDC"},
                                                              {43, "Right-Lateral-Ventricle"},
                                                              {46, "Right-Cerebellum-White-Matter"},
                                                              {47, "Right-Cerebellum-Cortex"},
                                                              {49, "Right-Thalamus"},
                                                              {50, "Right-Caudate"},
                                                              {51, "Right-Putamen"},
                                                              {52, "Right-Pallidum"},
                                                              {53, "Right-Hippocampus"},
                                                              {54, "Right-Amygdala"},
                                                              {60, "Right-VentralDC"},
                                                              {1024, "Left-Cerebral-Cortex"},
                                                              {2024, "Right-Cerebral-Cortex"},
                                                              {9, "Left-Thalamus"},
                                                              {48, "Right-Thalamus"},
                                                              {5, "Left-Lateral-Ventricle"},
                                                              {44, "Right-Lateral-Ventricle"},
                                                              {72, "3rd-Ventricle"},
                                                              {30, "Left-Cerebral-White-Matter"},
                                                              {62, "Right-Cerebral-White-Matter"},
                                                              {85, "None"}};
  const LabelTable& table = label_table("freesurfer");
  for (const auto& [id, name] : colour_table) {
    ASSERT_TRUE(table.class_of.contains(id)) << id;
    EXPECT_EQ(kStructures.at(static_cast<std::size_t>(table.class_of.at(id))), name) << id;
  }
}

TEST(LabelTable, MiccaiIdsNameTheStructuresOfItsProtocol) {
  const LabelTable& table = label_table("miccai2012");
  const std::map<std::int32_t, std::string_view> protocol{{45, "Left-Cerebral-White-Matter"},
                                                          {44, "Right-Cerebral-White-Matter"},
                                                          {32, "Left-Amygdala"},
                                                          {31, "Right-Amygdala"},
                                                          {4, "3rd-Ventricle"},
                                                          {11, "4th-Ventricle"},
                                                          {35, "Brain-Stem"},
                                                          {52, "Left-Lateral-Ventricle"},
                                                          {50, "Left-Lateral-Ventricle"},
                                                          {49, "Right-Lateral-Ventricle"},
                                                          {48, "Left-Hippocampus"},
                                                          {47, "Right-Hippocampus"},
                                                          {62, "Left-VentralDC"},
                                                          {101, "Left-Cerebral-Cortex"},
                                                          {207, "Left-Cerebral-Cortex"},
                                                          {100, "Right-Cerebral-Cortex"},
                                                          {206, "Right-Cerebral-Cortex"},
                                                          {39, "Left-Cerebellum-Cortex"}};
  for (const auto& [id, name] : protocol) {
    ASSERT_TRUE(table.class_of.contains(id)) << id;
    EXPECT_EQ(table.class_of.at(id), class_named(name)) << id;
  }
}

TEST(LabelTable, EveryClassIsWrittenWithAnIdThatReadsAsThatClass) {
  for (const char* name : {"freesurfer", "miccai2012"}) {
    const LabelTable& table = label_table(name);
    EXPECT_EQ(table.id_of[0], 0);
    for (int c = 1; c < kClasses; ++c) {
      EXPECT_EQ(table.class_of.at(table.id_of[static_cast<std::size_t>(c)]), c) << name;
    }
  }
}

TEST(LabelTable, HashTellsTablesApart) {
  LabelTable changed = label_table("freesurfer");
  EXPECT_EQ(changed.hash(), label_table("freesurfer").hash());
  EXPECT_EQ(changed.hash().size(), 16U);
  EXPECT_NE(changed.hash(), label_table("miccai2012").hash());
  const std::string before = changed.hash();
  changed.class_of[85] = 1;
  EXPECT_NE(changed.hash(), before);
  changed = label_table("freesurfer");
  changed.to_nearest.pop_back();
  EXPECT_NE(changed.hash(), before);
}

TEST(LabelTable, LeavesOutTheFoldingsThatItIsToBeWithout) {
  const LabelTable table = label_table("freesurfer without  vessel corpus_callosum");
  EXPECT_EQ(table.name, "freesurfer without corpus_callosum vessel");
  EXPECT_EQ(label_table(table.name).hash(), table.hash()) << "as a shard has it";
  EXPECT_NE(table.hash(), label_table("freesurfer").hash());
  const MappedLabels mapped = map_labels(line({2, 30, 62, 251, 77, 5, 72}), table);
  EXPECT_THAT(mapped.classes.voxels, testing::ElementsAre(1, 0, 0, 0, 1, 5, 12));
  EXPECT_THAT(mapped.unnamed, testing::ElementsAre(testing::Pair(30, 1), testing::Pair(62, 1), testing::Pair(251, 1)));
  const LabelTable none = label_table("miccai2012 without inferior_lateral_ventricle vermis");
  EXPECT_THAT(map_labels(line({52, 50, 71}), none).classes.voxels, testing::ElementsAre(5, 0, 0));
}

TEST(LabelTable, RefusesAFoldingThatItDoesNotHave) {
  const auto said = [](const char* text) -> std::string {
    try {
      label_table(text);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(said("miccai2012 without vessel"),
            "label table miccai2012 has no folding 'vessel', expected inferior_lateral_ventricle, vermis");
  EXPECT_EQ(said("freesurfer vessel"),
            "label table 'freesurfer vessel', expected 'freesurfer' or 'freesurfer without FOLDING ...'");
  EXPECT_EQ(said("freesurfer without"),
            "label table 'freesurfer without', expected 'freesurfer' or 'freesurfer without FOLDING ...'");
  EXPECT_EQ(said(""), "unknown label table '', expected one of freesurfer, miccai2012");
}

TEST(LabelTable, UnknownNamesAreRefusedWithTheKnownOnes) {
  try {
    label_table("freesufer");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), AllOf(testing::HasSubstr("freesufer"), testing::HasSubstr("freesurfer, miccai2012")));
  }
}

TEST(MapLabels, CountsIdsThatNoLineNames) {
  const MappedLabels mapped = map_labels(line({0, 2, 85, 24, 24, 507, -3}), label_table("freesurfer"));
  EXPECT_EQ(mapped.classes.voxels, (std::vector<std::uint8_t>{0, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(mapped.unnamed, (std::map<std::int32_t, std::uint64_t>{{24, 2}, {507, 1}, {-3, 1}}));
}

TEST(MapLabels, RefusesAVolumeWithoutAnyStructure) {
  EXPECT_THROW(map_labels(line({0, 24, 507, 85}), label_table("freesurfer")), std::runtime_error);
}

TEST(MapLabels, CallosumGoesToTheNearerWhiteMatter) {
  // Left white matter at 0, right at 8; 4 is a tie, which goes left.
  const MappedLabels mapped = map_labels(line({2, 251, 252, 253, 254, 255, 77, 80, 41}), label_table("freesurfer"));
  EXPECT_EQ(mapped.classes.voxels, (std::vector<std::uint8_t>{1, 1, 1, 1, 1, 3, 3, 3, 3}));
  EXPECT_TRUE(mapped.unnamed.empty());
}

TEST(MapLabels, WhereOneHemisphereIsMissingAllGoesToTheOther) {
  EXPECT_EQ(map_labels(line({41, 0, 251}), label_table("freesurfer")).classes.voxels,
            (std::vector<std::uint8_t>{3, 0, 3}));
  EXPECT_EQ(map_labels(line({10, 0, 251}), label_table("freesurfer")).classes.voxels,
            (std::vector<std::uint8_t>{8, 0, 0}));
}

TEST(MapLabels, NearnessIsInMillimetres) {
  // Scattered voxels on an anisotropic grid, against a search through all of them.
  Volume<std::int32_t> ids{{{9, 8, 7}, {{{1, 0, 0, 0}, {0, 2.5, 0, 0}, {0, 0, 0.7, 0}}}}, {}};
  ids.voxels.resize(ids.geometry.voxels());
  Random random(1, Purpose::kSubject);
  for (std::int32_t& id : ids.voxels) {
    const std::uint64_t draw = random.below(40);
    id = draw == 0 ? 39 : draw == 1 ? 38 : draw < 6 ? 72 : 0;
  }
  const MappedLabels mapped = map_labels(ids, label_table("miccai2012"));
  int compared = 0;
  for (int k = 0; k < 7; ++k) {
    for (int j = 0; j < 8; ++j) {
      for (int i = 0; i < 9; ++i) {
        if (ids.at(i, j, k) != 72) {
          continue;
        }
        std::map<int, double> nearest{{39, 1e9}, {38, 1e9}};
        for (int c = 0; c < 7; ++c) {
          for (int b = 0; b < 8; ++b) {
            for (int a = 0; a < 9; ++a) {
              if (const int id = ids.at(a, b, c); nearest.contains(id)) {
                nearest[id] = std::min(nearest[id], std::hypot(a - i, 2.5 * (b - j), 0.7 * (c - k)));
              }
            }
          }
        }
        if (std::abs(nearest[39] - nearest[38]) > 1e-9) {
          ++compared;
          EXPECT_EQ(mapped.classes.at(i, j, k), nearest[39] < nearest[38] ? 7 : 20);
        }
      }
    }
  }
  EXPECT_GT(compared, 10);
}

TEST(MapLabels, FindsAllStructuresInRealMaps) {
  const std::filesystem::path file = std::filesystem::path(CROSSFADE_LABELMAPS) / "training_seg_01.nii.gz";
  if (!std::filesystem::exists(file)) {
    GTEST_SKIP() << "no " << file;
  }
  const MappedLabels mapped = map_labels(read_label_map(file), label_table("freesurfer"));
  std::array<std::uint64_t, kClasses> counts{};
  for (const std::uint8_t c : mapped.classes.voxels) {
    ++counts.at(c);
  }
  // Counted with nibabel and NumPy: 2 and 30; 4 and 5; 14 and 72; 18.
  EXPECT_EQ(counts[1], 219328U + 28U);
  EXPECT_EQ(counts[5], 17212U + 1580U);
  EXPECT_EQ(counts[12], 1945U + 22U);
  EXPECT_EQ(counts[16], 1007U);
  EXPECT_EQ(mapped.unnamed.at(507), 1804210U);
  EXPECT_FALSE(mapped.unnamed.contains(85));
}

// A voxel of the corpus callosum far from both hemispheres: a cube that grows to them would look at 10^7 voxels for
// each.
TEST(LabelTable, DecidesByDistanceAlsoFarFromBothClasses) {
  Volume<std::int32_t> ids;
  ids.geometry = {{160, 40, 40}, {{{1, 0, 0, 0}, {0, 2, 0, 0}, {0, 0, 1, 0}}}};
  ids.voxels.resize(ids.geometry.voxels());
  ids.at(0, 20, 20) = 2;     // left white matter
  ids.at(159, 20, 20) = 41;  // right white matter
  for (const int i : {50, 79, 80, 110}) ids.at(i, 20, 20) = 251;
  ids.at(79, 0, 5) = 251;
  const MappedLabels mapped = map_labels(ids, label_table("freesurfer"));
  const int left = mapped.classes.at(0, 20, 20), right = mapped.classes.at(159, 20, 20);
  ASSERT_NE(left, right);
  EXPECT_EQ(mapped.classes.at(50, 20, 20), left);
  EXPECT_EQ(mapped.classes.at(79, 20, 20), left);  // 79 mm from the left, 80 from the right
  EXPECT_EQ(mapped.classes.at(80, 20, 20), right);
  EXPECT_EQ(mapped.classes.at(110, 20, 20), right);
  EXPECT_EQ(mapped.classes.at(79, 0, 5), left);
}

}  // namespace
}  // namespace crossfade::data
