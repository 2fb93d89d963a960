#include "runner/process/machine.hpp"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <vector>

#include "data/words.hpp"

namespace crossfade::runner {
namespace {

/// The values of the lines "name : value" with this name.
std::vector<std::string> values(const std::filesystem::path& file, const std::string& name) {
  std::vector<std::string> found;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.find_last_not_of(" \t", colon - 1) + 1 != name.size() ||
        !line.starts_with(name)) {
      continue;
    }
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    if (begin != std::string::npos) found.push_back(line.substr(begin));
  }
  return found;
}

}  // namespace

std::string machine(const std::filesystem::path& proc) {
  std::string text;
  const auto add = [&text](const char* separator, const std::string& part) {
    if (!text.empty()) text += separator;
    text += part;
  };
  if (const auto models = values(proc / "cpuinfo", "model name"); !models.empty()) add("", models.front());
  if (const auto cores = values(proc / "cpuinfo", "processor"); !cores.empty()) {
    add(", ", std::to_string(cores.size()) + (cores.size() == 1 ? " core" : " cores"));
  }
  if (const auto total = values(proc / "meminfo", "MemTotal"); !total.empty()) {
    const double kib = std::strtod(total.front().c_str(), nullptr);
    add(", ", std::to_string(std::lround(kib / (1024 * 1024))) + " GiB");
  }
  // NVIDIA's driver has a folder for each GPU; CUDA's own way to the name would need its headers.
  std::map<std::string, int> gpus;
  std::error_code none;
  for (const auto& gpu : std::filesystem::directory_iterator(proc / "driver/nvidia/gpus", none)) {
    for (const std::string& model : values(gpu.path() / "information", "Model")) ++gpus[model];
  }
  const char* separator = "; ";
  for (const auto& [model, number] : gpus) {
    add(separator, std::to_string(number) + " x " + model);
    separator = ", ";
  }
  return text;
}

bool computes_bf16(const std::filesystem::path& proc) {
  for (const char* name : {"flags", "Features"}) {  // of x86, of ARM
    for (const std::string& features : values(proc / "cpuinfo", name)) {
      for (const std::string& feature : data::words_of(features))
        if (feature == "avx512_bf16" || feature == "amx_bf16" || feature == "bf16") return true;
    }
  }
  return false;
}

}  // namespace crossfade::runner
