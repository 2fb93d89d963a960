// What a grid says of a net.
#pragma once

#include <stdexcept>
#include <string>

namespace crossfade::model {

/// What the net's layers compute in. Bf16 is what PyTorch's autocast means by it: convolutions and what passes between
/// them are bfloat16, sums and statistics at least float32, and parameters, gradients and running statistics stay as
/// they are.
enum class Precision { kFp32, kBf16 };

/// "fp32" or "bf16", as grids and checkpoints name it.
constexpr const char* name_of(Precision precision) {
  return precision == Precision::kBf16 ? "bf16" : "fp32";
}

/// The other way. Throws std::invalid_argument for another name.
inline Precision precision_named(const std::string& name) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16})
    if (name == name_of(precision)) return precision;
  throw std::invalid_argument("precision: unknown name '" + name + "'; known: fp32, bf16");
}

struct ModelOptions {
  std::string name = "unet";
  int width = 64;             // channels of the first level; of every level in quicknat
  int depth = 4;              // number of poolings
  std::string norm = "none";  // unet: none, or batch: batch normalisation between convolution and ReLU
  int kernel = 5;             // quicknat: side of the convolutions in dense blocks, odd
};

template <class Visitor>
void describe(Visitor& visit, ModelOptions& m) {
  visit.choice("name", m.name, {"unet", "quicknat"}, "architecture");
  visit.integer("width", m.width, 1, 1024,
                "channels of the first level; each level down has twice as many (quicknat: the same)");
  visit.integer("depth", m.depth, 1, 8, "number of poolings; image sides must be divisible by 2^depth");
  visit.choice("norm", m.norm, {"none", "batch"},
               "unet: normalisation after each 3x3 convolution; quicknat always has batch normalisation");
  visit.integer("kernel", m.kernel, 1, 15, "quicknat: side of the convolutions in its dense blocks; odd");
}

}  // namespace crossfade::model
