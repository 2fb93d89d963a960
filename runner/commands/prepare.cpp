#include <iostream>
#include <memory>

#include "data/cohorts/cohort.hpp"
#include "data/publish.hpp"
#include "runner/commands/cohort_check.hpp"
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
  void structured(const char* name, std::string& value, const char* help) {
    add(name, value, help)->type_name("TEXT|JSON");
  }
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

/// Where the command line does not say it.
std::string source_of(const data::CohortSpec& cohort) {
  if (!cohort.images.empty() || !cohort.table.empty()) return "scans";
  if (!cohort.labels.empty()) return "labels";
  return cohort.root.empty() ? "phantom" : "nnunet";
}

struct PrepareOptions {
  data::CohortSpec cohort;
  std::filesystem::path output;
  bool check = false;
  int threads = 0;
};

}  // namespace

Action add_prepare(CLI::App& app) {
  auto options = std::make_shared<PrepareOptions>();
  options->cohort.source = "";  // asked for: nothing is guessed
  CLI::App* command = app.add_subcommand(
      "prepare",
      "Make HDF5 shards from scans (--images DIR --labels DIR, or --table CSV), a data set of nnU-Net "
      "(--root DIR), label maps (--labels DIR) or phantoms (--subjects N)");
  command->add_option("--output", options->output, "folder for the shards, one file a subject")
      ->type_name("DIR")
      ->required();
  command->add_flag("--check", options->check,
                    "print a line a subject as well, and draw OUTPUT/check.png: slices with their labels as outlines");
  command
      ->add_option("--threads", options->threads,
                   "subjects prepared at a time; 0: one a core. Each takes some 30 bytes a voxel of its scan")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  OptionVisitor visitor(*command, "");
  describe(visitor, options->cohort);
  return [options] {
    data::CohortSpec& cohort = options->cohort;
    if (cohort.source.empty()) cohort.source = source_of(cohort);
    const data::Cohort opened = data::open_cohort(cohort);
    data::make_folders(options->output);
    const LockFile lock(options->output / "lock", "the folder " + options->output.string(), false);
    const auto remarks = data::prepare_cohort(
        opened, data::hash_cohort(opened), options->output, options->threads,
        [](int done, int total, const std::string& subject) {
          log_info(std::to_string(done) + " of " + std::to_string(total) + " subjects  " + subject);
        });
    log_remarks(remarks, "");
    const std::vector<data::Shard> shards = data::open_shards(options->output, data::subject_names(opened));
    if (options->check) {
      std::cout << subject_table(shards) << '\n';
      write_check_sheet(options->output / "check.png", shards);
      log_info("wrote " + (options->output / "check.png").string());
    }
    std::cout << cohort_summary(shards) << "in " << options->output.string() << '\n';
    return 0;
  };
}

}  // namespace crossfade::runner
