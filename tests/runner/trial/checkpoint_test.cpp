#include "runner/trial/checkpoint.hpp"
#include "data/labels/structures.hpp"

#include <gmock/gmock.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <regex>

#include "runner/trial/state.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/error_of.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TensorFile example() {
  TensorFile file;
  file.tensors = {{"weights", torch::randn({3, 2, 5, 5}).contiguous(torch::MemoryFormat::ChannelsLast)},
                  {"moments", torch::randn({4}, torch::kDouble)},
                  {"counts", torch::tensor({std::int64_t{1} << 40, std::int64_t{-3}})},
                  {"bytes", torch::tensor({1, 2, 255}, torch::kByte)},
                  {"scalar", torch::tensor(1.5F)},
                  {"empty", torch::zeros({0, 3})}};
  file.metadata = {{"greeting", "Größe \"1\"\n"}};
  return file;
}

/// Runs a Python program of this folder; true if it succeeds.
bool python(const std::string& program, const std::vector<fs::path>& arguments) {
  std::string command = std::string(CROSSFADE_PYTHON) + " " + CROSSFADE_TEST_SOURCES + "/" + program;
  for (const fs::path& argument : arguments) command.append(" ").append(argument.string());
  return std::system(command.c_str()) == 0;
}

TEST(Checkpoint, ComesBackBitForBit) {
  const TemporaryFolder folder;
  const TensorFile written = example();
  write_tensors(folder.path / "deep" / "a.safetensors", written);
  const TensorFile read = read_tensors(folder.path / "deep" / "a.safetensors");
  EXPECT_EQ(read.metadata, written.metadata);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (const auto& [name, tensor] : written.tensors) {
    EXPECT_EQ(read.tensor(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(read.tensor(name), tensor)) << name;
  }
}

TEST(Checkpoint, IsReadAndWrittenByPythonsSafetensors) {
  const TemporaryFolder folder;
  const TensorFile ours = example();
  write_tensors(folder.path / "ours.safetensors", ours);
  // The program loads ours, doubles every floating-point tensor and saves the result with the same metadata.
  ASSERT_TRUE(python("double_tensors.py", {folder.path / "ours.safetensors", folder.path / "theirs.safetensors"}));
  const TensorFile theirs = read_tensors(folder.path / "theirs.safetensors");
  EXPECT_EQ(theirs.metadata, ours.metadata);
  for (const auto& [name, tensor] : ours.tensors) {
    EXPECT_TRUE(torch::equal(theirs.tensor(name), tensor.is_floating_point() ? tensor * 2 : tensor)) << name;
  }
}

TEST(Checkpoint, ReplacesTheOldFileAndLeavesNothingBeside) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "a.safetensors";
  write_tensors(file, example());
  TensorFile second;
  second.metadata = {{"which", "second"}};
  write_tensors(file, second);
  EXPECT_EQ(read_tensors(file).text("which"), "second");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()), 1);
}

TEST(Checkpoint, RefusesATruncatedFileByName) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "cut.safetensors";
  write_tensors(file, example());
  const auto size = fs::file_size(file);
  for (const auto left : {size - 1, size / 2, std::uintmax_t{100}, std::uintmax_t{8}, std::uintmax_t{3}}) {
    fs::resize_file(file, left);
    EXPECT_THAT(error_of([&] { read_tensors(file); }), HasSubstr(file.string())) << left;
  }
  EXPECT_THAT(error_of([&] { read_tensors(folder.path / "none"); }), HasSubstr("no such checkpoint"));
}

TEST(Checkpoint, IsNotWrittenWithAHeaderThatCantBeReadBack) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "large.safetensors";
  TensorFile contents = example();
  contents.metadata["epochs"] = std::string(100'000'000, ' ');
  EXPECT_THAT(error_of([&] { write_tensors(file, contents); }),
              AllOf(HasSubstr(file.string() + ": a header of 100000"), HasSubstr("100000000 can be read")));
  EXPECT_TRUE(fs::is_empty(folder.path));
}

TEST(Checkpoint, RefusesAHeaderThatLies) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "lies.safetensors";
  const auto refusal = [&](const std::string& header, std::size_t bytes) {
    std::ofstream out(file, std::ios::binary);
    const std::uint64_t length = header.size();
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out << header << std::string(bytes, '\0');
    out.close();
    return error_of([&] { read_tensors(file); });
  };
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8), "no error");
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8), HasSubstr("F31"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8), HasSubstr("12 bytes"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8), HasSubstr("impossible"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0),
              HasSubstr("impossible"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
                          "b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
                      6),
              HasSubstr("overlaps"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 9), HasSubstr("overlong"));
  EXPECT_THAT(refusal("[]", 0), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("{oops", 0), AllOf(HasSubstr(file.string()), HasSubstr("parse error")));
}

class SavedNetwork : public testing::TestWithParam<const char*> {};

// 1e-5 of the largest logit: float32, where oneDNN sums in another order than PyTorch's plain layout does.
TEST_P(SavedNetwork, GivesTheSameOutputInPyTorch) {
  const TemporaryFolder folder;
  const model::ModelOptions options{.name = "unet", .width = 4, .depth = 3, .norm = GetParam()};
  const auto network = model::make_network(options, 1, data::kClasses, 11);
  place_network(*network, torch::kCPU);
  {
    const torch::NoGradGuard no_grad;
    torch::manual_seed(3);
    for (torch::Tensor& buffer : network->buffers()) buffer.uniform_(0.5, 2);  // running statistics that matter
    for (torch::Tensor& parameter : network->parameters()) parameter.add_(torch::rand_like(parameter) * 0.1);
  }
  TensorFile saved = save_network(*network, options, 1, data::kClasses);
  saved.metadata["variant"] = "[A] a name that is no JSON";
  write_tensors(folder.path / "net.safetensors", saved);
  const torch::Tensor images = torch::randn({2, 1, 32, 16});
  TensorFile input;
  input.tensors = {{"images", images}};
  write_tensors(folder.path / "input.safetensors", input);
  ASSERT_TRUE(python("run_checkpoint.py", {folder.path / "net.safetensors", folder.path / "input.safetensors",
                                           folder.path / "output.safetensors"}));
  const torch::Tensor expected = read_tensors(folder.path / "output.safetensors").tensor("logits");

  const auto loaded = load_network(folder.path / "net.safetensors");
  loaded->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor logits = loaded->forward(images);
  ASSERT_EQ(logits.sizes(), expected.sizes());
  EXPECT_LE((logits - expected).abs().max().item<double>(), 1e-5 * expected.abs().max().item<double>());
}

TEST(SavedNetworks, SayThePrecisionTheyComputeIn) {
  const TemporaryFolder folder;
  const model::ModelOptions options{.name = "unet", .width = 4, .depth = 2};
  const auto network = model::make_network(options, 1, data::kClasses, 1);
  for (const auto precision : {model::Precision::kFp32, model::Precision::kBf16}) {
    network->set_precision(precision);
    write_tensors(folder.path / "net", save_network(*network, options, 1, data::kClasses));
    EXPECT_EQ(load_network(folder.path / "net")->precision(), precision);
  }
  TensorFile older = save_network(*network, options, 1, data::kClasses);  // from before nets had a precision
  auto described = nlohmann::json::parse(older.metadata.at("model"));
  described.erase("precision");
  older.metadata["model"] = described.dump();
  write_tensors(folder.path / "older", older);
  EXPECT_EQ(load_network(folder.path / "older")->precision(), model::Precision::kFp32);
}

INSTANTIATE_TEST_SUITE_P(Norms, SavedNetwork, testing::Values("none", "batch"));

TEST(SavedNetwork, IsRefusedWhereATensorIsMissingOrOfAnotherShape) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "net.safetensors";
  const model::ModelOptions options{.name = "unet", .width = 2, .depth = 1, .norm = "none"};
  const auto network = model::make_network(options, 1, data::kClasses, 1);
  TensorFile contents = save_network(*network, options, 1, data::kClasses);
  contents.tensors.erase(contents.tensors.begin());
  write_tensors(file, contents);
  EXPECT_THAT(error_of([&] { load_network(file); }), AllOf(HasSubstr(file.string()), HasSubstr("no tensor 'model.")));

  contents = save_network(*network, options, 1, data::kClasses);
  contents.tensors.front().second = torch::zeros({1});
  write_tensors(file, contents);
  EXPECT_THAT(error_of([&] { load_network(file); }), HasSubstr("another shape"));

  contents = save_network(*network, options, 1, data::kClasses);
  contents.metadata["version"] = "2";
  write_tensors(file, contents);
  EXPECT_THAT(error_of([&] { load_network(file); }), HasSubstr("version 2"));
}

TEST(Position, SurvivesItsTextBitForBit) {
  Position position;
  position.epoch = 3;
  position.step = 2;
  position.sums.loss = 0.1 + 0.2;
  position.sums.names = {"wce", "wdice", "dice"};
  position.sums.terms = {1.0 / 3, std::nan(""), 1e-300};
  position.sums.weights = {1, 0, 0.1};
  position.best_dice = 0.7000000000000001;
  const Position read = position_from_json(to_json(position));
  EXPECT_EQ(read.epoch, 3);
  EXPECT_EQ(read.step, 2);
  EXPECT_EQ(read.sums.loss, position.sums.loss);
  EXPECT_EQ(read.sums.terms, (std::vector{1.0 / 3, 1e-300})) << "what is not known is left out";
  EXPECT_EQ(read.sums.weights, (std::vector{1, 0.1}));
  EXPECT_EQ(read.best_dice, position.best_dice);
}

/// The text without what came after its first programs.
std::string as_once(const std::string& text) {
  return std::regex_replace(text, std::regex(R"("overhead":\{[^}]*\},|"names":\[[^\]]*\],|"seconds_shared":[^,}]*,)"),
                            "");
}

StepResult step_of(const std::vector<double>& terms, const std::vector<double>& weights) {
  StepResult step;
  step.terms = terms;
  step.weights = weights;
  step.images = 4;
  return step;
}

TEST(EpochSums, AreOfTheTermsThatAreWantedWhicheverThereWere) {
  EpochSums sums;
  sums.of_terms({"wce", "wdice"});
  sums.add(step_of({2, 3}, {1, 0}));
  sums.add(step_of({0.5, 1}, {1, 0}));
  sums.of_terms({"wdice", "dice", "wce"});
  EXPECT_EQ(sums.names, (std::vector<std::string>{"wdice", "dice", "wce"}));
  EXPECT_EQ(sums.terms[0], 4);
  EXPECT_TRUE(std::isnan(sums.terms[1])) << "of the steps before nobody knows";
  EXPECT_EQ(sums.terms[2], 2.5);
  EXPECT_EQ(sums.weights, (std::vector<double>{0, 0, 1}));
  sums.add(step_of({1, 1, 1}, {1, 1, 1}));
  EXPECT_TRUE(std::isnan(sums.terms[1]));
}

TEST(EpochSums, OfEarlierProgramsAreInTheOrderOfTheLoss) {
  Position position;
  position.sums.names = {"wce", "wdice"};
  position.sums.terms = {2, 3};
  position.sums.weights = {1, 0};
  position.sums.images = 4;
  EpochSums sums = position_from_json(as_once(to_json(position))).sums;
  ASSERT_TRUE(sums.names.empty());
  sums.of_terms({"wce", "wdice", "dice"});
  EXPECT_EQ(sums.terms[0], 2);
  EXPECT_EQ(sums.terms[1], 3);
  EXPECT_TRUE(std::isnan(sums.terms[2]));
  EXPECT_EQ(sums.seconds_shared, 0);
}

TEST(EpochOverhead, SurvivesItsTextWhereItIsKnownAndWhereNot) {
  const analysis::EpochOverhead known = {.checkpoint = 0.1 + 0.2, .communication = 1.0 / 3, .buckets = 1e-300};
  Position position;
  position.sums.overhead = known;
  analysis::EpochRecord record;
  record.overhead = known;
  const std::string epochs = to_json(std::vector{record});
  for (const analysis::EpochOverhead& read :
       {position_from_json(to_json(position)).sums.overhead, epochs_from_json(epochs).at(0).overhead}) {
    EXPECT_EQ(read.checkpoint, known.checkpoint);
    EXPECT_EQ(read.communication, known.communication);
    EXPECT_EQ(read.buckets, known.buckets);
    EXPECT_TRUE(std::isnan(read.loss_sums));
    EXPECT_TRUE(std::isnan(read.norm_sums));
  }
}

TEST(EpochRecords, KeepTheDiceOfTheirValidationAndReadThatOfEarlierPrograms) {
  analysis::SubjectCounts a{"a", analysis::Counts(3)}, b{"b", analysis::Counts(3)};
  a.counts.true_positive[1] = 10;
  a.counts.false_positive[1] = 20;  // Dice 20 / 40
  b.counts.true_positive[1] = 30;
  b.counts.false_negative[1] = 20;  // 60 / 80
  analysis::EpochRecord record;
  record.validation = analysis::validation_dice(std::vector{a, b});
  EXPECT_EQ(record.validation.mean, 0.625);
  EXPECT_EQ(record.validation.pooled.true_positive[1], 40);
  analysis::EpochRecord nobody;
  const std::string text = to_json(std::vector{record, nobody});
  const auto read = epochs_from_json(text);
  EXPECT_EQ(read.at(0).validation.mean, 0.625);
  EXPECT_EQ(read.at(0).validation.pooled, record.validation.pooled);
  EXPECT_TRUE(std::isnan(read.at(1).validation.mean));
  EXPECT_EQ(read.at(1).validation.pooled, analysis::Counts());

  nlohmann::json once = nlohmann::json::parse(text);
  once[0]["validation"] = {
      {{"subject", "a"},
       {"counts", {{"true_positive", {0, 10, 0}}, {"false_positive", {0, 20, 0}}, {"false_negative", {0, 0, 0}}}}},
      {{"subject", "b"},
       {"counts", {{"true_positive", {0, 30, 0}}, {"false_positive", {0, 0, 0}}, {"false_negative", {0, 20, 0}}}}}};
  once[1]["validation"] = nlohmann::json::array();
  const auto before = epochs_from_json(once.dump());
  EXPECT_EQ(before.at(0).validation.mean, 0.625);
  EXPECT_EQ(before.at(0).validation.pooled, record.validation.pooled);
  EXPECT_TRUE(std::isnan(before.at(1).validation.mean));
}

TEST(EpochRecords, TakeThePlaceOfOneHoweverManySubjectsThereAre) {
  const std::vector<analysis::SubjectCounts> one = {{"a", analysis::Counts(28)}};
  const std::vector<analysis::SubjectCounts> many(1000, one[0]);
  analysis::EpochRecord of_one, of_many;
  of_one.validation = analysis::validation_dice(one);
  of_many.validation = analysis::validation_dice(many);
  EXPECT_EQ(to_json(std::vector{of_many}).size(), to_json(std::vector{of_one}).size());
}

TEST(EpochOverhead, IsNotKnownOfCheckpointsOfEarlierPrograms) {
  analysis::EpochRecord record;
  record.epoch = 2;
  record.overhead = {0, 0, 0, 0, 0};
  const std::string position = as_once(to_json(Position())), epochs = as_once(to_json(std::vector{record}));
  ASSERT_THAT(position + epochs, Not(HasSubstr("overhead")));
  EXPECT_EQ(epochs_from_json(epochs).at(0).epoch, 2);
  EpochSums sums = position_from_json(position).sums;
  sums.add(StepResult());  // the rest of an epoch whose beginning is not known
  for (const analysis::EpochOverhead& read : {epochs_from_json(epochs).at(0).overhead, sums.overhead})
    for (const double seconds : {read.checkpoint, read.communication, read.buckets, read.loss_sums, read.norm_sums})
      EXPECT_TRUE(std::isnan(seconds));
}

}  // namespace
}  // namespace crossfade::runner
