// What preparing one subject takes, in whole and by stage, on one thread: a phantom as in experiments/table1.yaml, and
// a label map. Each stage is timed on what the one before it leaves.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <functional>
#include <string>

#include "data/anatomy/label_bias.hpp"
#include "data/anatomy/synthesis.hpp"
#include "data/cohorts/subject.hpp"
#include "data/shards/shard.hpp"
#include "data/volumes/conform.hpp"
#include "data/volumes/image.hpp"
#include "runner/process/memory.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

constexpr LabelBiasOptions kBias{.pallidum_mm = 1.5, .amygdala_mm = -1.5, .ventricles_mm = 1.5, .noise_mm = 0.5};

CohortSpec spec_of(const std::string& source, const fs::path& labels) {
  CohortSpec spec;
  spec.source = source;
  if (source == "labels") spec.labels = labels.string();
  spec.subjects = 1;
  spec.size = 96;
  spec.scans_per_subject = 4;
  spec.label_bias = kBias;
  return spec;
}

/// All of a subject, from its anatomy to the shard on disk.
void subject(benchmark::State& state, const CohortSpec& spec, const fs::path& folder) {
  const Cohort cohort = open_cohort(spec);
  const ListedSubject& listed = subject_of(cohort, subject_names(cohort).front());
  for ([[maybe_unused]] const auto _ : state)
    write_shard(folder / (spec.source + ".h5"), synthetic_subject(cohort, listed).contents);
}

void add(const std::string& name, const std::function<void(benchmark::State&)>& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMillisecond)->UseRealTime();
}

template <class Make>
void add_stage(const std::string& name, Make make) {
  add("stage/" + name, [make](benchmark::State& state) {
    for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize(make());
  });
}

void add_all(const fs::path& folder) {
  const fs::path maps = folder / "maps";
  fs::create_directories(maps);
  static const Volume<std::int32_t> head = phantom_head(1, 0);
  write_labels(maps / "head.nii.gz", head);
  for (const std::string source : {"phantom", "labels"})
    add("subject/" + source, [=](benchmark::State& state) { subject(state, spec_of(source, maps), folder); });

  static const LabelTable table = label_table("freesurfer");
  static const Geometry cube = conformed_grid(head.geometry), grid = study_grid(cube, 96);
  static const Volume<std::int32_t> ids = deform(head, 2, Random(1, Purpose::kDeformation));
  static const Volume<std::uint8_t> classes = map_labels(ids, table).classes;
  static const Volume<std::uint8_t> image = synthesise_t1(ids, {}, Random(1, Purpose::kSynthesis));
  add_stage("phantom_head", [] { return phantom_head(1, 0); });
  add_stage("read_labels", [maps] { return read_labels(maps / "head.nii.gz"); });
  add_stage("conform", [] { return conform(head, cube); });
  add_stage("deform", [] { return deform(head, 2, Random(1, Purpose::kDeformation)); });
  add_stage("map_labels", [] { return map_labels(ids, table); });
  add_stage("synthesise_t1", [] { return synthesise_t1(ids, {}, Random(1, Purpose::kSynthesis)); });
  add_stage("bias_labels", [] { return bias_labels(classes, table.classes, kBias, Random(1, Purpose::kLabelBias)); });
  add_stage("image_on_study_grid", [] { return on_study_grid(image, grid); });
  add_stage("labels_on_study_grid", [] { return labels_on_study_grid(classes, grid); });
}

}  // namespace
}  // namespace crossfade::data

int main(int argc, char** argv) {
  crossfade::runner::keep_freed_memory();  // as the runner does
  benchmark::Initialize(&argc, argv);
  std::string name = (std::filesystem::temp_directory_path() / "crossfade-bench-XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(name.data());
  crossfade::data::add_all(folder);
  benchmark::RunSpecifiedBenchmarks();
  std::filesystem::remove_all(folder);
}
