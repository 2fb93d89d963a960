#include "runner/trial/trained_on.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossfade::runner {
namespace {

data::ShardInfo axial_of_2_mm() {
  data::ShardInfo info;
  info.grid = {{96, 128, 80}, {{{2, 0, 0, 0}, {0, 2, 0, 0}, {0, 0, 2.5, 0}}}};
  return info;
}

TEST(TrainedOn, SurvivesACheckpoint) {
  TensorFile file;
  EXPECT_FALSE(trained_on(file));
  save_trained_on(trained_on(axial_of_2_mm()), file);
  const std::optional<TrainedOn> read = trained_on(file);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->slice, (std::array<int, 2>{128, 96}));
  EXPECT_EQ(read->voxel_mm, (std::array<double, 3>{2, 2, 2.5}));
  EXPECT_EQ(read->plane, "axial");
  EXPECT_EQ(read->classes.size(), 28U);
  EXPECT_EQ(read->classes[1], "Left-Cerebral-White-Matter");
  EXPECT_EQ(differences(*read, trained_on(axial_of_2_mm())), "");
}

TEST(TrainedOn, DiffersInWhatANetWouldNotKnow) {
  const TrainedOn net = trained_on(axial_of_2_mm());
  TrainedOn data = net;
  data.voxel_mm[2] *= 1.0005;  // rounding
  EXPECT_EQ(differences(net, data), "");
  data.voxel_mm = {4, 4, 4};
  data.slice = {64, 64};
  EXPECT_EQ(differences(net, data),
            "voxels of 2 x 2 x 2.5 mm against 4 x 4 x 4 mm, slices of 128 x 96 pixels against 64 x 64");
  data = net;
  data.plane = "sagittal";
  EXPECT_EQ(differences(net, data), "axial slices against sagittal ones");
  data = net;
  data.classes[2] = "Cortex";
  EXPECT_EQ(differences(net, data), "class 2 is Left-Cerebral-Cortex against Cortex");
  data.classes = {"None", "Left-Cerebral-White-Matter"};
  EXPECT_EQ(differences(net, data), "28 classes against 2");
}

}  // namespace
}  // namespace crossfade::runner
