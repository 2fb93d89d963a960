// Cohorts of people's own classes, grids, intensities and folders, from small files to shards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <set>

#include "data/cohorts/cohort.hpp"
#include "data/cohorts/made_from.hpp"
#include "data/volumes/image.hpp"
#include "data/volumes/nifti.hpp"
#include "tests/error_of.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// A block of 20 x 24 x 6 voxels of 1 x 1 x 3 mm: values from `value`, labels 1 and 2 in its middle.
class OwnCohort : public testing::Test {
 protected:
  const TemporaryFolder folder_;
  const fs::path root_ = folder_.path / "set";
  const fs::path shards_ = folder_.path / "shards";

  static Geometry grid(int slices = 6) { return {{20, 24, slices}, {{{1, 0, 0, -10}, {0, 1, 0, -12}, {0, 0, 3, -9}}}}; }
  static Volume<std::int32_t> block(const Geometry& geometry, const auto& value) {
    Volume<std::int32_t> volume{geometry, {}};
    for (int k = 0; k < geometry.size[2]; ++k)
      for (int j = 0; j < geometry.size[1]; ++j)
        for (int i = 0; i < geometry.size[0]; ++i) volume.voxels.push_back(value(i, j, k));
    return volume;
  }
  static int label_at(int i, int j, int) { return i < 5 || i >= 15 || j < 6 || j >= 18 ? 0 : i < 10 ? 1 : 2; }

  void put_image(const std::string& file, int low, int slices = 6) const {
    fs::create_directories((root_ / file).parent_path());
    write_label_map(root_ / file, block(grid(slices), [=](int i, int j, int k) {
                      return low + 10 * label_at(i, j, k) + (7 * i + 3 * j + k) % 5;
                    }));
  }
  void put_labels(const std::string& file, int slices = 6) const {
    fs::create_directories((root_ / file).parent_path());
    write_label_map(root_ / file, block(grid(slices), label_at));
  }
  void put_text(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }

  CohortSpec scans() const {
    CohortSpec spec;
    spec.source = "scans";
    spec.root = root_.string();
    spec.images = "images";
    spec.labels = "labels";
    spec.classes = R"({"Anterior": 1, "Posterior": 2})";
    spec.intensity = "zscore";
    return spec;
  }

  std::vector<Shard> prepared(const CohortSpec& spec) const {
    const Cohort cohort = open_cohort(spec);
    prepare_cohort(cohort, hash_cohort(cohort), shards_, 1, {});
    return open_shards(shards_, subject_names(cohort));
  }
};

TEST_F(OwnCohort, KeepsVoxelsOnADerivedGridWithItsClasses) {
  put_image("images/a.nii.gz", -500);
  put_labels("labels/a.nii.gz");
  const std::vector<Shard> shards = prepared(scans());
  const ShardInfo& info = shards.at(0).info();
  EXPECT_EQ(info.grid.size, (std::array<int, 3>{32, 32, 6}));
  EXPECT_EQ(info.classes.names, (std::vector<std::string>{"background", "Anterior", "Posterior"}));
  EXPECT_EQ(info.intensity, "zscore");
  std::vector<float> values(32 * 32 * 6);
  std::vector<std::uint8_t> labels(values.size());
  shards[0].read_values(0, 6, values);
  shards[0].read(0, 6, {}, labels);
  double sum = 0;
  for (int k = 0; k < 6; ++k)
    for (int j = 0; j < 32; ++j)
      for (int i = 0; i < 32; ++i) {
        const int x = i - 6, y = j - 4;  // (32 - 1) / 2 - (20 - 1) / 2, and of 24
        const bool inside = x >= 0 && x < 20 && y >= 0 && y < 24;
        const auto at = static_cast<std::size_t>(i + 32 * (j + 32 * k));
        const float value = inside ? static_cast<float>(-500 + 10 * label_at(x, y, k) + (7 * x + 3 * y + k) % 5) : -500;
        ASSERT_EQ(values[at], value);
        ASSERT_EQ(labels[at], inside ? label_at(x, y, k) : 0);
        if (inside) sum += value;
      }
  EXPECT_NEAR(info.scans[0].channels[0].mean, sum / (20 * 24 * 6), 1e-9) << "of the image, not of what is around it";
  EXPECT_EQ(info.scans[0].channels[0].low, -500);
}

TEST_F(OwnCohort, HasTheHashThatItsStatedGridHas) {
  put_image("images/a.nii.gz", 0);
  put_labels("labels/a.nii.gz");
  const CohortSpec derived = scans();
  CohortSpec said = derived;
  said.grid = {.width = 32, .height = 32, .mm = "1", .slice_mm = "native"};
  said.axis = "axial";
  const auto hash = [](const CohortSpec& spec) { return hash_cohort(open_cohort(spec)).cohort; };
  EXPECT_EQ(hash(derived), hash(said));
  said.grid.width = 48;
  EXPECT_NE(hash(derived), hash(said));
  CohortSpec other = derived;
  other.intensity = "ct";
  EXPECT_NE(hash(derived), hash(other));
  other = derived;
  other.classes = R"({"Anterior": 1, "Rear": 2})";
  EXPECT_NE(hash(derived), hash(other));
  other = derived;
  other.ignore = "[7]";
  EXPECT_NE(hash(derived), hash(other));
}

TEST_F(OwnCohort, TakesIdsThatNobodyHasJudgedOut) {
  put_image("images/a.nii.gz", 0);
  put_labels("labels/a.nii.gz");
  CohortSpec spec = scans();
  spec.classes = R"({"Anterior": 1})";
  spec.ignore = "[2]";
  const std::vector<Shard> shards = prepared(spec);
  std::vector<std::uint8_t> labels(32 * 32 * 6);
  shards[0].read(0, 6, {}, labels);
  EXPECT_EQ(std::ranges::count(labels, kIgnored), 5 * 12 * 6);
  EXPECT_EQ(std::ranges::count(labels, 1), 5 * 12 * 6);
}

TEST_F(OwnCohort, ReadsADataSetOfNnunetWithItsChannelsAndNamesWhoLacksAFile) {
  put_text("dataset.json", R"({"channel_names": {"0": "T1", "1": "FLAIR"}, "numTraining": 2, "file_ending": ".nii.gz",
                              "labels": {"background": 0, "Anterior": 1, "Rear part": 2}})");
  for (const char* name : {"case_1", "case_2"}) {
    put_image("imagesTr/" + std::string(name) + "_0000.nii.gz", 5);
    put_image("imagesTr/" + std::string(name) + "_0001.nii.gz", 200);
    put_labels("labelsTr/" + std::string(name) + ".nii.gz");
  }
  put_image("imagesTr/case_3_0000.nii.gz", 5);
  put_image("imagesTr/case_3_0001.nii.gz", 5);
  CohortSpec spec;
  spec.source = "nnunet";
  spec.root = root_.string();
  spec.intensity = "zscore";
  const Cohort cohort = open_cohort(spec);
  EXPECT_EQ(cohort.table.classes.names, (std::vector<std::string>{"background", "Anterior", "Rear-part"}));
  EXPECT_THAT(cohort.channels, ElementsAre("T1", "FLAIR"));
  EXPECT_THAT(subject_names(cohort), ElementsAre("case_1", "case_2"));
  ASSERT_EQ(cohort.remarks.size(), 1U);
  EXPECT_THAT(cohort.remarks[0].text, AllOf(HasSubstr("left out"), HasSubstr("case_3")));
  const std::vector<Shard> shards = prepared(spec);
  EXPECT_EQ(shards[0].info().scans[0].channels[1].low, 200);
  std::vector<float> slice(2 * 32 * 32);
  shards[0].read_values(0, 1, slice);
  EXPECT_EQ(slice[0], 5) << "outside is what stands for nothing in the channel";
  EXPECT_EQ(slice[32 * 32], 200);
  spec.strict = true;
  EXPECT_THAT(error_of([&] { open_cohort(spec); }), HasSubstr("1 of 3 subjects cannot be used: case_3"));
  spec.exclude = "case_3";
  EXPECT_THAT(open_cohort(spec).remarks, testing::IsEmpty()) << "who is excluded lacks nothing";
}

TEST_F(OwnCohort, TestsADataSetsOwnTestCasesAndTrainsOnNone) {
  put_text("dataset.json", R"({"channel_names": {"0": "T1"}, "numTraining": 3, "file_ending": ".nii.gz",
                              "labels": {"background": 0, "Anterior": 1, "Posterior": 2}})");
  for (const auto& [part, name] :
       {std::pair("Tr", "case_1"), std::pair("Ts", "case_2"), std::pair("Tr", "case_3"), std::pair("Tr", "case_4")}) {
    put_image("images" + std::string(part) + "/" + name + "_0000.nii.gz", 5);
    put_labels("labels" + std::string(part) + "/" + name + ".nii.gz");
  }
  CohortSpec spec;
  spec.source = "nnunet";
  spec.root = root_.string();
  spec.split = {.validation = 1, .from = "parts"};
  const Split split = split_of(open_cohort(spec), 0);
  EXPECT_THAT(split.test, ElementsAre("case_2"));
  EXPECT_EQ(split.train.size(), 2U);
  EXPECT_EQ(split.validation.size(), 1U);
  spec.split = {.train = 2, .validation = 1, .test = 1};
  EXPECT_THROW(split_of(open_cohort(spec), 0), std::invalid_argument) << "case_2 is the second by name";
  spec.split = {.train = 1, .validation = 1, .test = 1};
  spec.exclude = "case_2";
  EXPECT_THAT(split_of(open_cohort(spec), 0).test, ElementsAre("case_4"));
}

// By which trials of a split that another program wrote are known again.
TEST_F(OwnCohort, HasADigestOfPartsFoldsAndPersons) {
  put_text("dataset.json", R"({"channel_names": {"0": "T1"}, "numTraining": 3, "file_ending": ".nii.gz",
                              "labels": {"background": 0, "Anterior": 1, "Posterior": 2}})");
  for (const std::string name : {"a", "b", "c"}) {
    put_image("imagesTr/" + name + "_0000.nii.gz", 5);
    put_labels("labelsTr/" + name + ".nii.gz");
  }
  CohortSpec folds;
  folds.source = "nnunet";
  folds.root = root_.string();
  EXPECT_EQ(split_digest(open_cohort(folds)), "") << "numbers say it all";
  folds.split = {.validation = 1, .folds = 1, .from = "folds"};
  std::set<std::string> digests;
  for (const char* text : {R"([{"train": ["a", "b"], "val": ["c"]}])", R"([{"train": ["a", "c"], "val": ["b"]}])",
                           R"([{"train": ["a"], "val": ["b"]}])"}) {
    put_text("splits_final.json", text);
    digests.insert(split_digest(open_cohort(folds)));
  }
  CohortSpec table = scans();
  table.images.clear();
  table.labels.clear();
  table.table = "files.csv";
  for (const std::string person : {"anna", "bert"}) {
    put_text("files.csv",
             "subject,image,labels,person\na,imagesTr/a_0000.nii.gz,labelsTr/a.nii.gz,anna\n"
             "b,imagesTr/b_0000.nii.gz,labelsTr/b.nii.gz," +
                 person + "\n");
    digests.insert(split_digest(open_cohort(table)));
  }
  EXPECT_EQ(digests.size(), 5U);
  EXPECT_FALSE(digests.contains(""));
}

TEST_F(OwnCohort, MatchesPatternsAndKeepsThePersonsTogether) {
  for (const char* session : {"sub-01/ses-a", "sub-01/ses-b", "sub-02/ses-a"}) {
    const std::string name = std::string(session).replace(6, 1, "_");
    put_image(std::string(session) + "/anat/" + name + "_T1w.nii.gz", 1);
    put_labels("derivatives/" + std::string(session) + "/anat/" + name + "_dseg.nii.gz");
  }
  CohortSpec spec = scans();
  spec.images = "sub-{subject}/ses-{session}/anat/*_T1w.nii.gz";
  spec.labels = "derivatives/sub-{subject}/ses-{session}/anat/*_dseg.nii.gz";
  spec.split = {.train = 1, .validation = 1};
  const Cohort cohort = open_cohort(spec);
  EXPECT_THAT(subject_names(cohort), ElementsAre("01_a", "01_b", "02_a"));
  const Split split = split_of(cohort, 0);
  EXPECT_THAT(split.train, ElementsAre("01_a", "01_b"));
  EXPECT_THAT(split.validation, ElementsAre("02_a"));
}

TEST_F(OwnCohort, ReadsATableOfFiles) {
  put_image("x/one.nii.gz", 1);
  put_image("x/two.nii.gz", 1);
  put_labels("y/l1.nii.gz");
  put_labels("y/l2.nii.gz");
  put_text("files.csv",
           "subject,image,labels,part\nanna,x/one.nii.gz,y/l1.nii.gz,train\nbert,x/two.nii.gz,y/l2.nii.gz,"
           "validation\n");
  CohortSpec spec = scans();
  spec.images.clear();
  spec.labels.clear();
  spec.table = "files.csv";
  spec.split.from = "parts";
  const Cohort cohort = open_cohort(spec);
  EXPECT_TRUE(cohort.has_manual);
  EXPECT_FALSE(cohort.has_automatic);
  EXPECT_THAT(split_of(cohort, 0).validation, ElementsAre("bert"));
  EXPECT_EQ(subject_of(cohort, "anna").labels, root_ / "y/l1.nii.gz");
}

TEST_F(OwnCohort, ReadsPicturesUpright) {
  fs::create_directories(root_ / "images");
  fs::create_directories(root_ / "labels");
  // Rows from the top: a label of one pixel in the first.
  const Geometry picture = {{4, 3, 1}, {{{1, 0, 0, 0}, {0, -1, 0, 0}, {0, 0, 1, 0}}}};
  write_labels(root_ / "images/p.png", {picture, {9, 200, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}});
  write_labels(root_ / "labels/p.png", {picture, {0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0}});
  CohortSpec spec = scans();
  spec.intensity = "none";
  const std::vector<Shard> shards = prepared(spec);
  EXPECT_EQ(shards.at(0).info().grid.size, (std::array<int, 3>{16, 16, 1}));
  std::vector<float> values(256);
  std::vector<std::uint8_t> labels(256);
  shards[0].read_values(0, 1, values);
  shards[0].read(0, 1, {}, labels);
  const auto label = std::ranges::find(labels, 1) - labels.begin(),
             other = std::ranges::find(labels, 2) - labels.begin();
  EXPECT_EQ(values[static_cast<std::size_t>(label)], 200);
  EXPECT_EQ(values[static_cast<std::size_t>(other)], 11);
  EXPECT_EQ(label - other, 2 * 16 - 1) << "the first row of the picture is the upper one, with the larger j";
}

TEST_F(OwnCohort, CutSagittallyTellsTheSidesApart) {
  put_image("images/a.nii.gz", 0);
  put_labels("labels/a.nii.gz");
  CohortSpec spec = scans();
  spec.axis = "sagittal";
  spec.classes = R"({"Left": 1, "Right": 2})";
  spec.pairs = R"({"Left": "Right"})";
  const std::vector<Shard> shards = prepared(spec);
  EXPECT_EQ(shards[0].info().plane, "sagittal");
  EXPECT_FALSE(shards[0].info().sides_merged);
  EXPECT_GT(shards[0].info().scans[0].manual.pixels[2], 0U);
}

TEST_F(OwnCohort, KeepsWhatNobodyHasJudgedOnAPhantomsOwnGrid) {
  CohortSpec spec;
  spec.subjects = 1;
  spec.size = 64;
  spec.classes = R"({"Hippocampus": 17})";
  spec.ignore = "[53]";
  const std::vector<Shard> shards = prepared(spec);
  const Volume<std::int32_t> original = shards[0].original_labels();
  EXPECT_GT(std::ranges::count(original.voxels, 53), 0);
  EXPECT_EQ(std::ranges::count(original.voxels, 2), 0);
}

TEST_F(OwnCohort, HasAnotherHashForOtherChannels) {
  const auto hash = [&](const char* channel) {
    put_text("dataset.json",
             std::string(R"({"channel_names": {"0": ")") + channel +
                 R"("}, "numTraining": 1, "file_ending": ".nii.gz", "labels": {"background": 0, "A": 1}})");
    CohortSpec spec;
    spec.source = "nnunet";
    spec.root = root_.string();
    return hash_cohort(open_cohort(spec)).cohort;
  };
  put_image("imagesTr/a_0000.nii.gz", 5);
  put_labels("labelsTr/a.nii.gz");
  EXPECT_NE(hash("T1"), hash("CT"));
}

TEST_F(OwnCohort, MayHaveAChannelThatIsEmpty) {
  put_image("images/a_red.nii.gz", 0);
  fs::create_directories(root_ / "images");
  write_label_map(root_ / "images/a_blue.nii.gz", block(grid(), [](int, int, int) { return 0; }));
  put_labels("labels/a.nii.gz");
  CohortSpec spec = scans();
  spec.images = R"(["images/{subject}_blue.nii.gz", "images/{subject}_red.nii.gz"])";
  spec.labels = "labels/{subject}.nii.gz";
  EXPECT_EQ(prepared(spec).at(0).info().channel_count(), 2);
}

TEST_F(OwnCohort, MeasuresT1InEachChannelByItself) {
  put_image("images/a_T1.nii.gz", -3);
  put_image("images/a_FLAIR.nii.gz", 50);
  put_labels("labels/a.nii.gz");
  CohortSpec spec = scans();
  spec.images = R"(["images/{subject}_T1.nii.gz", "images/{subject}_FLAIR.nii.gz"])";
  spec.labels = "labels/{subject}.nii.gz";
  spec.intensity = "t1";
  const std::vector<Shard> shards = prepared(spec);
  const auto& channels = shards.at(0).info().scans.at(0).channels;
  ASSERT_EQ(channels.size(), 2U);
  const int depth = shards[0].info().grid.size[2];
  std::vector<float> slice(2 * 32 * 32);
  std::array<std::vector<double>, 2> above;
  for (int k = 0; k < depth; ++k) {
    shards[0].read_values(k, 1, slice);
    for (std::size_t i = 0; i < slice.size(); ++i)
      if (slice[i] > 0) above[i / 1024].push_back(static_cast<double>(slice[i]));
  }
  for (const std::size_t c : {0U, 1U}) {
    double sum = 0, squares = 0;
    for (const double value : above[c]) sum += value;
    const double mean = sum / static_cast<double>(above[c].size());
    for (const double value : above[c]) squares += (value - mean) * (value - mean);
    EXPECT_NEAR(channels[c].mean, mean, 1e-6 * mean) << c;
    EXPECT_NEAR(channels[c].sd, std::sqrt(squares / static_cast<double>(above[c].size())), 1e-6 * mean) << c;
  }
  EXPECT_LT(above[0].size(), above[1].size()) << "T1 has values that are not above 0";
}

TEST_F(OwnCohort, RefusesChannelsThatDoNotLieOnOneGrid) {
  put_image("images/a_T1.nii.gz", 1);
  put_image("images/a_FLAIR.nii.gz", 1, 5);
  put_labels("labels/a.nii.gz");
  CohortSpec spec = scans();
  spec.images = R"(["images/{subject}_T1.nii.gz", "images/{subject}_FLAIR.nii.gz"])";
  spec.labels = "labels/{subject}.nii.gz";
  EXPECT_THAT(error_of([&] { prepared(spec); }), AllOf(HasSubstr("a_FLAIR.nii.gz"), HasSubstr("co-registered")));
}

TEST_F(OwnCohort, RefusesOptionsThatDoNotGoTogether) {
  const auto fault = [&](const auto& change) {
    CohortSpec spec = scans();
    change(spec);
    const auto found = fault_of(spec);
    return found ? found->key + ": " + found->what : "";
  };
  EXPECT_EQ(fault([](CohortSpec&) {}), "");
  EXPECT_THAT(fault([](CohortSpec& c) { c.classes = "{}"; }), HasSubstr("classes: classes names no class"));
  EXPECT_THAT(fault([](CohortSpec& c) { c.label_table = "miccai2012"; }), HasSubstr("both say what ids mean"));
  EXPECT_THAT(fault([](CohortSpec& c) { c.automatic_classes = R"({"Anterior": 1})"; }),
              HasSubstr("3 classes against 2"));
  EXPECT_THAT(fault([](CohortSpec& c) { c.automatic_classes = R"({"Anterior": 7, "Rear": 8})"; }),
              HasSubstr("class 2 is Posterior against Rear"));
  EXPECT_EQ(fault([](CohortSpec& c) { c.automatic_classes = R"({"Anterior": 7, "Posterior": 8})"; }), "");
  EXPECT_THAT(fault([](CohortSpec& c) { c.size = 64, c.grid.width = 32; }), HasSubstr("grid and size both say"));
  EXPECT_THAT(fault([](CohortSpec& c) { c.grid.mm = "wide"; }), HasSubstr("grid.mm is 'wide'"));
  EXPECT_THAT(fault([](CohortSpec& c) { c.grid.slice_mm = "1 2"; }), HasSubstr("grid.slice_mm is '1 2'"));
  EXPECT_THAT(fault([](CohortSpec& c) { c.size = 64, c.axis = "coronal"; }), HasSubstr("axis: coronal needs a grid"));
  const auto of_patterns = [&](const char* images, const char* labels) {
    return fault([=](CohortSpec& c) { c.images = images, c.labels = labels; });
  };
  EXPECT_EQ(of_patterns("{subject}.nii", "{subject}_seg.nii"), "");
  EXPECT_THAT(of_patterns("{subject}.nii", "labels"), HasSubstr("labels: "));
  EXPECT_THAT(of_patterns("images", "{subject}.nii"), HasSubstr("labels is a pattern and images is a folder"));
  EXPECT_THAT(of_patterns("*/{session}.nii", "{subject}.nii"), HasSubstr("images: "));
  EXPECT_THAT(of_patterns(R"(["a{subject}.nii", 3])", "{subject}.nii"), HasSubstr("is no list of texts"));
  EXPECT_THAT(fault([](CohortSpec& c) { c.table = "t.csv"; }), HasSubstr("images beside table"));
  EXPECT_THAT(fault([](CohortSpec& c) {
                c = {};
                c.subjects = 2;
                c.intensity = "ct";
              }),
              HasSubstr("intensity: source: phantom has no intensity"));
  EXPECT_THAT(fault([](CohortSpec& c) {
                c = {};
                c.subjects = 2;
                c.grid.width = 64;
              }),
              HasSubstr("expected size, or a grid with width, height and mm"));
}

}  // namespace
}  // namespace crossfade::data
