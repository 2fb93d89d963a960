#include "data/sources/nnunet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/volumes/nifti.hpp"
#include "tests/data/sources/put_file.hpp"
#include "tests/error_of.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names(const SubjectList& list) {
  std::vector<std::string> names;
  for (const ListedSubject& subject : list.subjects) names.push_back(subject.name);
  return names;
}

/// A data set in the making; files are empty, since only their names are looked at.
class Nnunet : public testing::Test {
 protected:
  void put(const std::string& file) const { put_file(folder_ / file); }
  void put_json(const json& dataset) const { put_file(folder_ / "dataset.json", dataset.dump()); }
  NnunetDataset read() const { return read_nnunet(folder_.path); }
  std::string error() const {
    return error_of([&] { read(); });
  }
  std::string error(const json& dataset) const {
    put_json(dataset);
    return error();
  }
  fs::path path(const std::string& file) const { return folder_ / file; }

  TemporaryFolder folder_;
  json decathlon_ = json::parse(R"({
    "modality": {"0": "T2", "1": "ADC"},
    "labels": {"0": "background", "10": "Last one", "2": "TZ", "1": "PZ"},
    "training": [{"image": "./imagesTr/p_02.nii.gz", "label": "./labelsTr/p_02.nii.gz"},
                 {"image": "./imagesTr/p_01.nii.gz", "label": "./labelsTr/p_01.nii.gz"}],
    "test": ["./imagesTs/p_03.nii.gz"]})");
  json nnunet2_ = json::parse(R"({
    "channel_names": {"0": "T1", "1": "FLAIR"},
    "labels": {"background": 0, "tumour": 2, "oedema": 1, "ignore": 3},
    "file_ending": ".nii.gz", "numTraining": 2})");
};

TEST_F(Nnunet, ReadsTheDecathlonsLayout) {
  put_json(decathlon_);
  for (const char* file : {"imagesTr/p_01.nii.gz", "imagesTr/p_02.nii.gz", "labelsTr/p_01.nii.gz",
                           "labelsTr/p_02.nii.gz", "imagesTs/p_03.nii.gz"})
    put(file);
  const NnunetDataset dataset = read();
  EXPECT_THAT(dataset.channels, ElementsAre("T2", "ADC"));
  EXPECT_EQ(dataset.classes.classes, R"({"background":0,"PZ":1,"TZ":2,"Last one":10})");
  EXPECT_EQ(dataset.classes.ignore, "");
  EXPECT_THAT(own_label_table(dataset.classes).classes.names, ElementsAre("background", "PZ", "TZ", "Last-one"));
  ASSERT_THAT(names(dataset.list), ElementsAre("p_01", "p_02")) << "test cases have no labels";
  EXPECT_THAT(dataset.list.subjects[0].images, ElementsAre(path("imagesTr/p_01.nii.gz")))
      << "both channels in one file";
  EXPECT_EQ(dataset.list.subjects[0].labels, path("labelsTr/p_01.nii.gz"));
  EXPECT_EQ(dataset.list.subjects[0].person, "p_01");
  EXPECT_EQ(dataset.list.subjects[0].part, "");
  EXPECT_THAT(dataset.list.left_out, IsEmpty());
  EXPECT_THAT(dataset.folds, IsEmpty());
}

TEST_F(Nnunet, ReadsTheLayoutOfItsFirstVersion) {
  put_json(decathlon_);
  for (const char* file : {"imagesTr/p_01_0000.nii.gz", "imagesTr/p_01_0001.nii.gz", "imagesTr/p_02_0000.nii.gz",
                           "imagesTr/p_02_0001.nii.gz", "labelsTr/p_01.nii.gz", "labelsTr/p_02.nii.gz",
                           "imagesTs/p_03_0000.nii.gz", "imagesTs/p_03_0001.nii.gz", "imagesTs/p_04_0000.nii.gz",
                           "imagesTs/p_04_0001.nii.gz", "labelsTs/p_03.nii.gz", "labelsTs/._p_04.nii.gz"})
    put(file);
  const NnunetDataset dataset = read();
  ASSERT_THAT(names(dataset.list), ElementsAre("p_01", "p_02", "p_03"));
  EXPECT_THAT(dataset.list.subjects[1].images,
              ElementsAre(path("imagesTr/p_02_0000.nii.gz"), path("imagesTr/p_02_0001.nii.gz")));
  EXPECT_EQ(dataset.list.subjects[2].part, "test");
  EXPECT_EQ(dataset.list.subjects[2].labels, path("labelsTs/p_03.nii.gz"));
  fs::remove(path("imagesTr/p_02_0001.nii.gz"));
  EXPECT_THAT(read().list.left_out,
              ElementsAre("p_02: " + path("imagesTr/p_02_0001.nii.gz").string() + " is not there"));
  fs::remove(path("imagesTr/p_02_0000.nii.gz"));
  EXPECT_THAT(read().list.left_out,
              ElementsAre(AllOf(HasSubstr("neither"), HasSubstr(path("imagesTr/p_02.nii.gz").string()),
                                HasSubstr("p_02_0000.nii.gz"))));
}

TEST_F(Nnunet, ReadsTheLayoutOfItsSecondVersion) {
  put_json(nnunet2_);
  for (const char* file :
       {"imagesTr/b_0000.nii.gz", "imagesTr/b_0001.nii.gz", "labelsTr/b.nii.gz", "imagesTr/a_1_0000.nii.gz",
        "imagesTr/a_1_0001.nii.gz", "labelsTr/a_1.nii.gz", "imagesTs/c_0000.nii.gz", "imagesTs/c_0001.nii.gz",
        "labelsTs/c.nii.gz", "imagesTs/d_0000.nii.gz", "imagesTr/notes.txt", "imagesTr/._b_0000.nii.gz"})
    put(file);
  const NnunetDataset dataset = read();
  EXPECT_THAT(dataset.channels, ElementsAre("T1", "FLAIR"));
  EXPECT_EQ(dataset.classes.classes, R"({"background":0,"oedema":1,"tumour":2})");
  EXPECT_EQ(dataset.classes.ignore, "[3]");
  EXPECT_EQ(own_label_table(dataset.classes).class_of.at(3), kIgnored);
  ASSERT_THAT(names(dataset.list), ElementsAre("a_1", "b", "c"));
  EXPECT_THAT(dataset.list.subjects[0].images,
              ElementsAre(path("imagesTr/a_1_0000.nii.gz"), path("imagesTr/a_1_0001.nii.gz")));
  EXPECT_EQ(dataset.list.subjects[0].labels, path("labelsTr/a_1.nii.gz"));
  EXPECT_EQ(dataset.list.subjects[0].part, "");
  EXPECT_EQ(dataset.list.subjects[2].part, "test");
}

TEST_F(Nnunet, LeavesOutCasesThatAreNotWhole) {
  put_json(nnunet2_);
  for (const char* file :
       {"imagesTr/a_0000.nii.gz", "imagesTr/a_0001.nii.gz", "labelsTr/a.nii.gz", "imagesTr/b_0000.nii.gz",
        "imagesTr/b_0001.nii.gz", "labelsTr/c.nii.gz", "imagesTr/d_0001.nii.gz", "labelsTr/d.nii.gz",
        "imagesTr/e_0000.nii.gz", "imagesTr/e_0001.nii.gz", "imagesTr/e_0002.nii.gz", "labelsTr/e.nii.gz"})
    put(file);
  const SubjectList list = read().list;
  EXPECT_THAT(names(list), ElementsAre("a"));
  EXPECT_THAT(list.left_out,
              ElementsAre("b: " + path("labelsTr/b.nii.gz").string() + " is not there",
                          "c: " + path("imagesTr/c_0000.nii.gz").string() + " is not there, " +
                              path("imagesTr/c_0001.nii.gz").string() + " is not there",
                          "d: " + path("imagesTr/d_0000.nii.gz").string() + " is not there",
                          "e: " + path("imagesTr/e_0002.nii.gz").string() + " is none of the 2 channels"));
  fs::create_symlink("gone", path("labelsTr/b.nii.gz"));
  EXPECT_THAT(error(), HasSubstr("b.nii.gz: is a link to gone"));
}

TEST_F(Nnunet, TakesOneFileWithAllChannels) {
  nnunet2_["channel_names"] = {{"0", "R"}, {"1", "G"}, {"2", "B"}};
  nnunet2_["file_ending"] = ".png";
  put_json(nnunet2_);
  put("imagesTr/road_0000.png");
  put("labelsTr/road.png");
  const NnunetDataset dataset = read();
  EXPECT_THAT(dataset.channels, ElementsAre("R", "G", "B"));
  ASSERT_THAT(names(dataset.list), ElementsAre("road"));
  EXPECT_THAT(dataset.list.subjects[0].images, ElementsAre(path("imagesTr/road_0000.png")));
}

TEST_F(Nnunet, ReadsAListOfFilesInAnyPlace) {
  nnunet2_["dataset"] = {{"one",
                          {{"images", {"raw/x.nii.gz", "../" + folder_.path.filename().string() + "/raw/y.nii.gz"}},
                           {"label", "drawn/x.nii.gz"}}},
                         {"two", {{"images", {"raw/x2.nii.gz", "raw/y2.nii.gz"}}, {"label", "drawn/x2.nii.gz"}}}};
  nnunet2_.erase("file_ending");
  put_json(nnunet2_);
  for (const char* file : {"raw/x.nii.gz", "raw/y.nii.gz", "drawn/x.nii.gz", "raw/x2.nii.gz", "raw/y2.nii.gz"})
    put(file);
  const SubjectList list = read().list;
  ASSERT_THAT(names(list), ElementsAre("one"));
  EXPECT_THAT(list.subjects[0].images, ElementsAre(path("raw/x.nii.gz"), path("raw/y.nii.gz")));
  EXPECT_EQ(list.subjects[0].labels, path("drawn/x.nii.gz"));
  EXPECT_THAT(list.left_out, ElementsAre("two: " + path("drawn/x2.nii.gz").string() + " is not there"));
  nnunet2_["dataset"]["two"]["images"] = {"a", "b", "c"};
  EXPECT_THAT(error(nnunet2_),
              AllOf(HasSubstr("dataset.json: dataset.two.images has 3 files"), HasSubstr("2 channel_names")));
  nnunet2_["dataset"]["two"].erase("label");
  nnunet2_["dataset"]["two"]["images"] = {"a"};
  EXPECT_THAT(error(nnunet2_), HasSubstr("dataset.two.label is not there, expected a text"));
}

TEST_F(Nnunet, RefusesRegionsThatOverlap) {
  nnunet2_["labels"] = {{"background", 0}, {"whole", {1, 2}}, {"core", 2}};
  EXPECT_THAT(error(nnunet2_),
              AllOf(HasSubstr("dataset.json: labels.whole is a region [1,2]"), HasSubstr("overlapping")));
  nnunet2_["labels"] = {{"background", 0}, {"core", 1}};
  nnunet2_["regions_class_order"] = {1};
  EXPECT_THAT(error(nnunet2_), HasSubstr("regions_class_order is [1]: overlapping"));
}

TEST_F(Nnunet, RefusesWhatIsNoDatasetByFileAndKey) {
  EXPECT_THAT(error(), HasSubstr("dataset.json: no such file"));
  put_file(path("dataset.json"), "{\n\"labels\": ");
  EXPECT_THAT(error(), testing::ContainsRegex("dataset.json: is no JSON, at line 2, column [0-9]+$"));
  put_file(path("dataset.json"), R"({"labels": {"one": 1, "one": 2}})");
  EXPECT_THAT(error(), HasSubstr("dataset.json: key 'one' is there twice"));
  EXPECT_THAT(error(json::parse("[1]")), HasSubstr("is [1], expected an object"));
  EXPECT_THAT(error({{"labels", {}}}), HasSubstr("has neither channel_names"));
  const auto changed = [&](const json& base, const char* key, const json& value) {
    json other = base;
    other[key] = value;
    return error(other);
  };
  EXPECT_THAT(changed(nnunet2_, "channel_names", {{"0", "T1"}, {"2", "T2"}}), HasSubstr("channel_names has no \"1\""));
  EXPECT_THAT(changed(nnunet2_, "channel_names", {{"T1", 0}}), HasSubstr("channel_names has \"T1\": 0"));
  EXPECT_THAT(changed(nnunet2_, "channel_names", json::object()), HasSubstr("channel_names is empty"));
  EXPECT_THAT(changed(nnunet2_, "labels", {{"0", "background"}, {"1", "tumour"}}),
              HasSubstr("labels.0 is \"background\", expected an id"));
  EXPECT_THAT(changed(nnunet2_, "labels", {{"background", 0}, {"a", 1}, {"b", 1}}),
              HasSubstr("labels.b has the id 1, which a has already"));
  EXPECT_THAT(changed(nnunet2_, "labels", {{"background", 0}}), HasSubstr("labels: classes names no class"));
  EXPECT_THAT(changed(nnunet2_, "file_ending", "nii.gz"), HasSubstr("file_ending is 'nii.gz'"));
  EXPECT_THAT(changed(nnunet2_, "file_ending", 3), HasSubstr("file_ending is 3, expected a text"));
  EXPECT_THAT(changed(decathlon_, "labels", {{"0", "background"}, {"1", "x"}, {"2", "x"}}),
              HasSubstr("labels has 'x' for 1 and for 2"));
  EXPECT_THAT(changed(decathlon_, "labels", {{"background", 0}}), HasSubstr("labels has \"background\": 0"));
  EXPECT_THAT(changed(decathlon_, "training", json::array({"a.nii.gz"})),
              HasSubstr("training[0] is \"a.nii.gz\", expected an object"));
  EXPECT_THAT(changed(decathlon_, "training", json::array({{{"image", "a.nii.gz"}}})),
              HasSubstr("training[0].label is not there"));
  EXPECT_THAT(error(nnunet2_), AllOf(HasSubstr("imagesTr"), HasSubstr("cannot be read as a folder")));
}

TEST_F(Nnunet, RefusesATestCaseOfATrainingCasesName) {
  nnunet2_["channel_names"] = {{"0", "CT"}};
  put_json(nnunet2_);
  for (const char* file :
       {"imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", "imagesTs/a_0000.nii.gz", "labelsTs/a.nii.gz"})
    put(file);
  EXPECT_THAT(error(),
              AllOf(HasSubstr("subject 'a' is there twice"), HasSubstr(path("imagesTr/a_0000.nii.gz").string()),
                    HasSubstr(path("imagesTs/a_0000.nii.gz").string())));
}

TEST_F(Nnunet, RefusesAnEndingThatNoFileHas) {
  put("imagesTr/a_0000.nii.gz");
  put("labelsTr/a.nii.gz");
  nnunet2_["file_ending"] = ".mha";
  EXPECT_THAT(error(nnunet2_),
              AllOf(HasSubstr("file_ending is '.mha', but "), HasSubstr("imagesTr has no file such as CASE_0000.mha")));
}

TEST_F(Nnunet, ReadsTheFoldsThatItFinds) {
  nnunet2_["channel_names"] = {{"0", "CT"}};
  put_json(nnunet2_);
  for (const char* file : {"imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", "imagesTr/b_0000.nii.gz", "labelsTr/b.nii.gz",
                           "imagesTr/c_0000.nii.gz", "labelsTr/c.nii.gz", "imagesTr/d_0000.nii.gz",
                           "imagesTs/t_0000.nii.gz", "labelsTs/t.nii.gz"})
    put(file);
  const auto folds = [&](const std::string& text) {
    put_file(path("splits_final.json"), text);
    return read().folds;
  };
  const auto fault = [&](const std::string& text) { return error_of([&] { folds(text); }); };
  const std::vector<SourceFold> two =
      folds(R"([{"train": ["c", "a"], "val": ["b"]}, {"train": ["b"], "val": ["c", "a"]}])");
  ASSERT_EQ(two.size(), 2U);
  EXPECT_THAT(two[0].train, ElementsAre("a", "c"));
  EXPECT_THAT(two[0].validation, ElementsAre("b"));
  EXPECT_THAT(two[1].train, ElementsAre("b"));
  EXPECT_THAT(two[1].validation, ElementsAre("a", "c"));
  EXPECT_THAT(fault(R"([{"train": ["a"], "val": ["b"]}, {"train": ["a"], "val": ["x"]}])"),
              HasSubstr("splits_final.json: fold 1.val names 'x', which is no subject"));
  EXPECT_THAT(fault(R"([{"train": ["d"], "val": ["b"]}])"),
              AllOf(HasSubstr("'d', which was left out"), HasSubstr("labelsTr/d.nii.gz")));
  EXPECT_THAT(fault(R"([{"train": ["t"], "val": ["b"]}])"), HasSubstr("'t', which is a test subject"));
  EXPECT_THAT(fault(R"([{"train": ["a", "b"], "val": ["b"]}])"),
              HasSubstr("fold 0.val names 'b', which this fold has already"));
  EXPECT_THAT(fault(R"([{"train": [], "val": ["b"]}])"), HasSubstr("fold 0.train is empty"));
  EXPECT_THAT(fault(R"([{"train": ["a"]}])"), HasSubstr("fold 0.val is not there, expected a list"));
  EXPECT_THAT(fault(R"([{"train": ["a"], "val": [2]}])"), HasSubstr("fold 0.val has 2, expected names"));
  EXPECT_THAT(fault("{}"), HasSubstr("expected a list of folds"));
  EXPECT_EQ(read_nnunet(folder_.path, false).folds.size(), 0U) << "nobody asks for them";
}

TEST(NnunetOfTheDecathlon, ReadsTheRealHippocampus) {
  const fs::path folder = CROSSFADE_HIPPOCAMPUS;
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  const NnunetDataset read = read_nnunet(folder);
  EXPECT_THAT(read.channels, ElementsAre("MRI"));
  EXPECT_THAT(own_label_table(read.classes).classes.names, ElementsAre("background", "Anterior", "Posterior"));
  ASSERT_EQ(read.list.subjects.size(), 200U);
  EXPECT_THAT(read.list.left_out, IsEmpty());
  EXPECT_THAT(read.folds, IsEmpty());
  const ListedSubject& first = read.list.subjects.front();
  EXPECT_EQ(first.name, "hippocampus_001");
  EXPECT_EQ(first.part, "");
  ASSERT_EQ(first.images.size(), 1U);
  const Volume<std::int32_t> labels = read_label_map(first.labels);
  EXPECT_EQ(read_nifti_image(first.images[0]).geometry, labels.geometry);
  const MappedLabels mapped = map_labels(labels, own_label_table(read.classes));
  EXPECT_THAT(mapped.unnamed, IsEmpty());
  EXPECT_EQ(std::ranges::count(mapped.classes.voxels, 1), 1324);  // counted with nibabel and NumPy
  EXPECT_EQ(std::ranges::count(mapped.classes.voxels, 2), 1624);
}

}  // namespace
}  // namespace crossfade::data
