#include "runner/study/provenance.hpp"

#include <torch/version.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "data/utf8.hpp"
#include "model/atlas/fusion.hpp"
#include "model/atlas/registration.hpp"
#include "runner/process/build_info.hpp"
#include "runner/process/machine.hpp"
#include "runner/ranks/workers.hpp"

namespace crossfade::runner {
namespace {

/// As it has to be typed to be one word of a shell again.
std::string shell_word(const std::string& word) {
  const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:+@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) {
    if (c == '\'') text += "'\\'";  // ends the quotes, an escaped one, and the next begins them again
    text += c;
  }
  return text + "'";
}

std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text;
  for (std::string word; std::getline(file, word, '\0');) {
    if (!text.empty()) text += ' ';
    text += shell_word(word);
  }
  return data::valid_utf8(text);
}

/// The text of a run's devices: how its ranks were arranged, and on what.
std::string on_this_machine(const std::string& arrangement) {
  const std::string hardware = machine();
  return hardware.empty() ? arrangement : arrangement + "; " + hardware;
}

}  // namespace

analysis::Provenance local_provenance() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  analysis::Provenance run;
  run.version = kVersion;
  run.git_commit = kGitCommit;
  run.host = host.data();
  run.command = command_line();
  run.devices = on_this_machine("1 process");
  return run;
}

analysis::Provenance provenance(World& world, const Workers& workers, const std::map<std::string, std::string>& cohorts,
                                bool with_atlases) {
  using nlohmann::json;
  analysis::Provenance run = local_provenance();
  run.host = world.host();
  run.ranks = world.communicator().size();
  run.ranks_per_trial = workers.ranks_per_trial;
  run.devices = on_this_machine(workers.description);
  json libraries = {{"LibTorch", TORCH_VERSION}, {"MPI", World::library_version()}};
  if (with_atlases) {
    libraries["ITK"] = model::itk_version();
    try {
      libraries["elastix"] = model::elastix_version();
    } catch (const std::runtime_error&) {
      // Its trials say so, and the others go on.
    }
  }
  run.libraries = libraries.dump();
  run.data_hash = json(cohorts).dump();
  return run;
}

}  // namespace crossfade::runner
