#include <cstdio>
#include <iostream>
#include <limits>
#include <memory>
#include <thread>

#include "data/cohorts/cohort.hpp"
#include "data/shards/class_weights.hpp"
#include "runner/commands/commands.hpp"
#include "runner/process/lock_file.hpp"
#include "runner/process/log.hpp"
#include "runner/study/remarks.hpp"

namespace crossfade::runner {
namespace {

/// Makes a command-line option of each described parameter; those of a group are called --group.name.
class OptionVisitor {
 public:
  OptionVisitor(CLI::App& command, std::string prefix) : command_(command), prefix_(std::move(prefix)) {}

  void number(const char* name, double& value, double low, double high, const char* help) {
    add(name, value, help)->check(CLI::Range(low, high));
  }
  void integer(const char* name, int& value, int low, int high, const char* help) {
    add(name, value, help)->check(CLI::Range(low, high));
  }
  void seed(const char* name, std::uint64_t& value, const char* help) { add(name, value, help); }
  void flag(const char* name, bool& value, const char* help) { add(name, value, help); }
  void choice(const char* name, std::string& value, std::vector<std::string> allowed, const char* help) {
    add(name, value, help)->check(CLI::IsMember(std::move(allowed)));
  }
  void text(const char* name, std::string& value, const char* help) { add(name, value, help); }
  /// The split belongs to a study; all subjects are prepared alike.
  void group(const char*, data::SplitSpec&, const char*) {}
  template <class Group>
  void group(const char* name, Group& value, const char*) {
    OptionVisitor visitor(command_, prefix_ + name + ".");
    describe(visitor, value);
  }

 private:
  template <class T>
  CLI::Option* add(const char* name, T& value, const char* help) {
    return command_.add_option("--" + prefix_ + name, value, help)->capture_default_str();
  }
  CLI::App& command_;
  std::string prefix_;
};

struct PrepareOptions {
  data::CohortSpec cohort;
  std::filesystem::path output;
};

void summarise(const std::filesystem::path& directory, const std::vector<std::string>& subjects) {
  const std::vector<data::Shard> shards = data::open_shards(directory, subjects);
  const data::ShardInfo& info = shards.front().info();
  const auto kind = info.has_manual ? data::LabelKind::kManual : data::LabelKind::kAutomatic;
  const std::vector<data::ClassCounts> counts = data::counts_of_scans(shards, kind);
  const auto weights = data::median_frequency_weights(shards, 0, kind);
  std::printf("%zu subjects, %d x %d x %d voxels of %.3f mm, in %s\n", shards.size(), info.width(), info.height(),
              info.slices_per_scan(), info.grid.spacing()[0], directory.c_str());
  std::printf("%s labels\n", info.has_manual ? "manual" : "automatic");
  std::printf("%-32s %14s %10s %10s\n", "class", "voxels a scan", "slices", "weight");
  for (int c = 0; c < data::kClasses; ++c) {
    const auto index = static_cast<std::size_t>(c);
    std::uint64_t voxels = 0, slices = 0;
    for (const data::ClassCounts& scan : counts) {
      voxels += scan.pixels[index];
      slices += scan.slices[index];
    }
    std::printf("%-32s %14.1f %10.1f %10.4f\n", std::string(data::kStructures[index]).c_str(),
                static_cast<double>(voxels) / static_cast<double>(counts.size()),
                static_cast<double>(slices) / static_cast<double>(counts.size()), weights[index]);
  }
}

}  // namespace

Action add_prepare(CLI::App& app) {
  auto options = std::make_shared<PrepareOptions>();
  options->cohort.source = "";  // asked for: nothing is guessed
  CLI::App* command =
      app.add_subcommand("prepare",
                         "Make HDF5 shards from scans (--images DIR --labels DIR), label maps (--labels DIR) or "
                         "phantoms (--subjects N)");
  command->add_option("--output", options->output, "folder for the shards, one file a subject")
      ->type_name("DIR")
      ->required();
  OptionVisitor visitor(*command, "");
  describe(visitor, options->cohort);
  return [options] {
    data::CohortSpec& cohort = options->cohort;
    if (cohort.source.empty())
      cohort.source = !cohort.images.empty() ? "scans" : cohort.labels.empty() ? "phantom" : "labels";
    const std::vector<std::string> subjects = data::subject_names(cohort);
    std::filesystem::create_directories(options->output);
    const LockFile lock(options->output / "lock", "the folder " + options->output.string(), false);
    const auto remarks = data::prepare_cohort(
        cohort, options->output, static_cast<int>(std::max(1U, std::thread::hardware_concurrency())),
        [](int done, int total, const std::string& subject) {
          log_info(std::to_string(done) + " of " + std::to_string(total) + " subjects  " + subject);
        });
    log_remarks(remarks, "");
    summarise(options->output, subjects);
    return 0;
  };
}

}  // namespace crossfade::runner
