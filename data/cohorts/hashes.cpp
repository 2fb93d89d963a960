// hash_cohort.
#include "data/cohorts/cohort.hpp"
#include "data/hash.hpp"
#include "data/volumes/nifti_header.hpp"

namespace crossfade::data {
namespace {

/// What the shards of all subjects depend on alike.
std::string text_of_all_subjects(const Cohort& cohort) {
  const CohortSpec& spec = cohort.spec;
  const bool own =
      cohort.grid.cube == 0 || !spec.classes.empty() || spec.intensity != "t1" || cohort.channels.size() > 1;
  std::string text = "generator=" + std::to_string(generator_version(spec)) +
                     "\nshard=" + std::to_string(own ? kShardVersionOfOwnData : kShardVersion) +
                     "\nlabel_table=" + cohort.table.hash() + "\n" + canonical_text(spec);
  if (spec.source == "scans" && cohort.has_automatic)
    text += "automatic_label_table=" + cohort.automatic_table.hash() + "\n";
  if (cohort.grid.own_spacing()) text += "spacing=own\n";
  if (own)
    for (const std::string& channel : cohort.channels) text += "channel=" + channel + "\n";
  return text;
}

/// Everything goes into both: that of the cohort, and the subject's own.
void add_subject(const CohortSpec& spec, const ListedSubject& subject, Sha256& cohort, Sha256& own) {
  const auto add_text = [&](const std::string& text) {
    cohort.update(text);
    own.update(text);
  };
  const auto add_file = [&](const char* what, const std::filesystem::path& file) {
    if (file.empty()) return;
    add_text(what);
    Sha256::update_file(file, {&cohort, &own});
  };
  add_text("subject=" + subject.name + "\n");
  for (const std::filesystem::path& image : subject.images) add_file("image=", image);
  add_file("", subject.labels);
  add_file("automatic=", subject.automatic_labels);
  // Generator 2 of label maps took the affine as ITK does: only those that it placed elsewhere have another hash now.
  if (spec.source == "labels" && itk_places_elsewhere(subject.labels)) add_text("affine=nibabel\n");
}

std::string digits(Sha256& hash) {
  return hash.hex().substr(0, 16);
}

}  // namespace

CohortHashes hash_cohort(const Cohort& cohort) {
  const std::string text = text_of_all_subjects(cohort);
  Sha256 whole;
  whole.update(text);
  CohortHashes hashes;
  for (const ListedSubject& subject : cohort.subjects) {
    Sha256 own;
    own.update(text);
    add_subject(cohort.spec, subject, whole, own);
    hashes.subjects[subject.name] = digits(own);
  }
  hashes.cohort = digits(whole);
  return hashes;
}

std::string split_digest(const Cohort& cohort) {
  const std::string& from = cohort.spec.split.from;
  std::string text;
  for (const ListedSubject& subject : cohort.subjects) {
    if (from == "parts") text += subject.name + " part " + subject.part + "\n";
    if (person_of(subject) != subject.name) text += subject.name + " person " + person_of(subject) + "\n";
  }
  if (from == "folds")
    for (const SourceFold& fold : cohort.folds) {
      text += "fold\n";
      for (const std::string& name : fold.train) text += "train " + name + "\n";
      for (const std::string& name : fold.validation) text += "val " + name + "\n";
    }
  return text.empty() ? "" : sha256_hex(text).substr(0, 16);
}

}  // namespace crossfade::data
