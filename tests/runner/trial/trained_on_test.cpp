#include "runner/trial/trained_on.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossfade::runner {
namespace {

data::ShardInfo axial_of_2_mm() {
  data::ShardInfo info;
  info.grid = {{96, 128, 80}, {{{2, 0, 0, 0}, {0, 2, 0, 0}, {0, 0, 2.5, 0}}}};
  info.grid_mm = {2, 2, 2.5};
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

TEST(TrainedOn, OfOwnDataSurvivesACheckpoint) {
  data::ShardInfo info = axial_of_2_mm();
  info.own_classes = {R"({"Anterior": 1, "Posterior": [2, 3]})", "", "[9]"};
  info.classes = data::own_label_table(info.own_classes).classes;
  info.intensity = "ct";
  info.channels = {"T1", "FLAIR"};
  info.grid_mm = {2, 2, 0};
  TensorFile file;
  save_trained_on(trained_on(info, {{-100, 250.5, 40, 12}, {0, 1, 0.5, 0.25}}), file);
  const std::optional<TrainedOn> read = trained_on(file);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->classes, (std::vector<std::string>{"background", "Anterior", "Posterior"}));
  EXPECT_EQ(read->own_classes, info.own_classes);
  EXPECT_EQ(read->intensity, "ct");
  EXPECT_EQ(read->channels, info.channels);
  ASSERT_EQ(read->standards.size(), 2U);
  EXPECT_EQ(read->standards[0], (data::Standard{-100, 250.5, 40, 12}));
  EXPECT_EQ(read->voxel_mm[2], 0) << "each subject's own";
}

// As versions before wrote it.
TEST(TrainedOn, OfAnEarlierProgramMeansOneChannelOfT1) {
  TensorFile file;
  file.metadata["data"] = R"({"slice":[128,128],"voxel_mm":[2.0,2.0,2.0],"plane":"axial","classes":["None","A"]})";
  const std::optional<TrainedOn> read = trained_on(file);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->intensity, "t1");
  EXPECT_EQ(read->channels.size(), 1U);
  EXPECT_EQ(read->slice[0], 128);
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
  data = net;
  data.intensity = "zscore";
  data.channels = {"T1", "FLAIR"};
  EXPECT_EQ(differences(net, data), "intensity t1 against zscore, 1 channels against 2");
  EXPECT_EQ(channel_difference({"T1", "FLAIR"}, {"FLAIR", "T1"}), "channels T1, FLAIR against FLAIR, T1");
  EXPECT_EQ(channel_difference({"T1", "FLAIR"}, {"image-1", "image-2"}), "");
  data = net;
  data.voxel_mm = {2, 2, 0};  // each subject's own
  EXPECT_EQ(differences(net, data), "");
}

}  // namespace
}  // namespace crossfade::runner
