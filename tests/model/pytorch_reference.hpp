// The same net written in Python with torch.nn, loaded by the names of the parameters.
#pragma once

#include <gtest/gtest.h>
#include <torch/serialize.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "model/network.hpp"
#include "tests/data/small_shard.hpp"
#include "tests/device.hpp"
#include "tests/temporary_folder.hpp"
#include "tests/thread_group.hpp"

namespace crossfade::model {

inline torch::Tensor images(torch::IntArrayRef sizes) {
  return torch::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(3), torch::kFloat64);
}

/// Logits in training and evaluation mode and all gradients, in float64 on the tests' device: only the order of sums
/// differs. Then those in bfloat16.
inline void expect_as_in_pytorch(const ModelOptions& options) {
  SCOPED_TRACE(options.name + ", norm " + options.norm);
  const TemporaryFolder folder;
  const auto network = make_network(options, 2, 5, 9);
  network->to(torch::kFloat64);
  {
    // Biases of 0 would put whole planes of QuickNAT's unpooled zeros on the kink of the ReLU, up to rounding.
    const torch::NoGradGuard no_grad;
    const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(4);
    for (torch::Tensor& parameter : network->parameters()) {
      if (parameter.dim() == 1) parameter += 0.2 * torch::randn(parameter.sizes(), generator, torch::kFloat64);
    }
  }
  const torch::Tensor input = images({3, 2, 8, 12});
  c10::Dict<std::string, torch::Tensor> state;
  for (const auto& item : network->named_parameters()) state.insert(item.key(), item.value().detach().clone());
  for (const auto& item : network->named_buffers()) state.insert(item.key(), item.value().clone());
  state.insert("images", input);
  const std::vector<char> bytes = torch::pickle_save(state);
  std::ofstream(folder.path / "in.pt", std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  std::ofstream(folder.path / "options.json")
      << nlohmann::json{{"name", options.name}, {"width", options.width},   {"depth", options.depth},
                        {"norm", options.norm}, {"kernel", options.kernel}, {"in_channels", 2},
                        {"classes", 5}};
  const std::string command = std::string(CROSSFADE_PYTHON) + " " + NET_REFERENCE + " " + folder.path.string();
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream file(folder.path / "out.pt", std::ios::binary);
  const std::vector<char> content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto expected = torch::pickle_load(content).toGenericDict();

  network->to(tests::device());
  const torch::Tensor trained = network->forward(input.to(tests::device()));
  EXPECT_LT(tests::relative_difference(trained.cpu(), expected.at("trained").toTensor()), 1e-12);
  trained.square().sum().backward();
  for (const auto& item : network->named_parameters()) {
    const auto reference = expected.at("gradient of " + item.key()).toTensor();
    // Some gradients are 0 but for rounding: those of a bias before a normalisation.
    EXPECT_LT((item.value().grad().cpu() - reference).norm().item<double>(),
              1e-10 * std::max(1.0, reference.norm().item<double>()))
        << item.key();
  }
  network->eval();
  EXPECT_LT(tests::relative_difference(network->forward(input.to(tests::device())).cpu(),
                                       expected.at("evaluated").toTensor()),
            1e-12);

  // In bfloat16 about as far from float64 as PyTorch's autocast: chance has its part in as many roundings, and in which
  // of four pixels is the largest. In float32 by mistake it would be ten thousand times closer.
  network->train();
  network->to(torch::kFloat32);
  network->zero_grad();
  network->set_precision(Precision::kBf16);
  const torch::Tensor rounded = network->forward(input.to(tests::device(), torch::kFloat32));
  EXPECT_EQ(rounded.scalar_type(), torch::kBFloat16);
  rounded.to(torch::kFloat32).square().sum().backward();
  const auto expect_as_far = [](double own, double torchs, const char* what) {
    EXPECT_LT(own, 3 * torchs) << what;
    EXPECT_GT(own, 0.1 * torchs) << what;
  };
  const auto exact = expected.at("trained").toTensor();
  expect_as_far((rounded.to(torch::kCPU, torch::kFloat64) - exact).norm().item<double>(),
                (expected.at("rounded").toTensor() - exact).norm().item<double>(), "logits");
  double own = 0, torchs = 0;
  for (const auto& item : network->named_parameters()) {
    EXPECT_EQ(item.value().grad().scalar_type(), torch::kFloat32) << item.key();
    const auto gradient = expected.at("gradient of " + item.key()).toTensor();
    own += (item.value().grad().to(torch::kCPU, torch::kFloat64) - gradient).square().sum().item<double>();
    torchs += (expected.at("rounded gradient of " + item.key()).toTensor() - gradient).square().sum().item<double>();
  }
  expect_as_far(std::sqrt(own), std::sqrt(torchs), "gradient");
}

}  // namespace crossfade::model
