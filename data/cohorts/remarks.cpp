#include "data/cohorts/remarks.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <sstream>

namespace crossfade::data {
namespace {

/// A finding of one subject: its name, with what of it, and how much.
struct Case {
  std::string name;
  double amount = 0;
};

using Cases = std::vector<Case>;

std::string count_of(std::size_t some, std::size_t all, const std::string& what) {
  return std::to_string(some) + " of " + std::to_string(all) + " " + what + (all == 1 ? "" : "s");
}

/// "0.4 to 12.1", or one number.
std::string range_of(const Cases& cases, const std::function<std::string(double)>& text) {
  const auto [least, most] = std::ranges::minmax(cases, {}, &Case::amount);
  const std::string low = text(least.amount), high = text(most.amount);
  return low == high ? low : low + " to " + high;
}

/// "s3 (12 %), s1 (1.5 %)", the worst first, at most five.
std::string names_of(Cases cases, const std::function<std::string(double)>& text) {
  std::ranges::stable_sort(cases, std::greater(), &Case::amount);
  std::string names;
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < std::min(cases.size(), kShown); ++i)
    names += (i > 0 ? ", " : "") + cases[i].name + " (" + text(cases[i].amount) + ")";
  return cases.size() > kShown ? names + ", ..." : names;
}

std::string worst_of(const Cases& cases) {
  return std::ranges::max(cases, {}, &Case::amount).name;
}

std::string voxels(double amount) {
  return std::to_string(static_cast<std::uint64_t>(amount));
}

std::string short_number(double amount) {
  std::ostringstream text;
  text.precision(3);
  text << amount;
  return text.str();
}

std::string named(const SubjectNotes& subject, const LabelNotes& labels) {
  return subject.subject + " (" + labels.kind + ")";
}

/// Ids of all subjects: "11 to 13 ids a subject: 502 (1234 to 5678 voxels), ...", the commonest first.
std::string ids_of(const std::vector<const IdCounts*>& counts) {
  std::map<std::int32_t, Cases> by_id;
  Cases ids;
  for (const IdCounts* of_subject : counts) {
    ids.push_back({"", static_cast<double>(of_subject->size())});
    for (const auto& [id, count] : *of_subject) by_id[id].push_back({"", static_cast<double>(count)});
  }
  const auto sum = [](const Cases& cases) {
    double total = 0;
    for (const Case& one : cases) total += one.amount;
    return total;
  };
  std::vector<std::pair<std::int32_t, Cases>> sorted(by_id.begin(), by_id.end());
  std::ranges::stable_sort(sorted, [&](const auto& a, const auto& b) { return sum(a.second) > sum(b.second); });
  const std::string number = range_of(ids, voxels);
  std::string text = number + (number == "1" ? " id" : " ids") + " a subject: ";
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < std::min(sorted.size(), kShown); ++i)
    text +=
        (i > 0 ? ", " : "") + std::to_string(sorted[i].first) + " (" + range_of(sorted[i].second, voxels) + " voxels)";
  return sorted.size() > kShown ? text + ", ..." : text;
}

/// The line of what `counts_of` finds in the label maps of one kind.
void remark_on_ids(const std::vector<SubjectNotes>& subjects, const std::string& kind, IdCounts LabelNotes::*counts_of,
                   const std::function<std::string(const LabelNotes&)>& what, std::vector<Remark>& remarks) {
  std::vector<const IdCounts*> counts;
  const LabelNotes* example = nullptr;
  for (const SubjectNotes& subject : subjects)
    for (const LabelNotes& labels : subject.labels)
      if (labels.kind == kind && !(labels.*counts_of).empty()) {
        counts.push_back(&(labels.*counts_of));
        example = &labels;
      }
  if (counts.empty()) return;
  remarks.push_back({false, kind + ": " + what(*example) + ", in " +
                                count_of(counts.size(), subjects.size(), "subject") + ", " + ids_of(counts)});
}

}  // namespace

void remark_on_names(std::vector<Remark>& remarks, const std::string& what, const std::vector<std::string>& names,
                     const std::string& noun) {
  if (names.empty()) return;
  std::string list;
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) list += (i > 0 ? ", " : "") + names[i];
  remarks.push_back({true, what + ": " + list + (names.size() > kShown ? ", ..." : "") + " (" +
                               std::to_string(names.size()) + " " + noun +
                               (names.size() == 1     ? ")"
                                : noun.ends_with("s") ? "es)"
                                                      : "s)")});
}

double misplaced_share(const LabelPlacement& placement) {
  if (placement.labelled == 0) return 0;
  return static_cast<double>(placement.outside + placement.on_background) / static_cast<double>(placement.labelled);
}

std::string percent(double share) {
  std::ostringstream text;
  text.precision(share < 0.0995 ? 2 : 3);
  text << 100 * share << " %";
  return text.str();
}

std::vector<Remark> remarks_on(const std::vector<SubjectNotes>& subjects) {
  Cases transforms, not_finite, rounded, misplaced, negative;
  std::size_t files = 0, maps = 0;
  std::set<std::string> kinds;
  for (const SubjectNotes& subject : subjects) {
    constexpr double kDiffers = 0.1;  // mm
    ++files;
    if (subject.image.transforms_mm > kDiffers)
      transforms.push_back({subject.subject + " (image)", subject.image.transforms_mm});
    if (subject.image.not_finite > 0)
      not_finite.push_back({subject.subject, static_cast<double>(subject.image.not_finite)});
    for (const LabelNotes& labels : subject.labels) {
      ++files;
      ++maps;
      kinds.insert(labels.kind);
      const std::string name = named(subject, labels);
      if (labels.reading.transforms_mm > kDiffers) transforms.push_back({name, labels.reading.transforms_mm});
      if (labels.reading.rounded > 0) rounded.push_back({name, labels.reading.rounding});
      const LabelPlacement& placement = labels.placement;
      if (const double share = misplaced_share(placement); share >= kSaidShare) misplaced.push_back({name, share});
      const double below =
          static_cast<double>(placement.negative) / static_cast<double>(std::max<std::uint64_t>(placement.labelled, 1));
      if (below >= kSaidShare) negative.push_back({name, below});
    }
  }
  std::vector<Remark> remarks;
  const auto doubtful = [&](const std::string& text) { remarks.push_back({true, text}); };
  if (!transforms.empty())
    doubtful("qform and sform differ in " + count_of(transforms.size(), files, "file") + ", by " +
             range_of(transforms, short_number) + " mm, most in " + worst_of(transforms) + ": the sform is taken");
  if (!not_finite.empty())
    doubtful("images have voxels that are not finite, which are 0 now, in " +
             count_of(not_finite.size(), subjects.size(), "subject") + ": " + range_of(not_finite, voxels) +
             " voxels, most in " + worst_of(not_finite));
  if (!rounded.empty())
    doubtful("values that were nearly integers are rounded in " + count_of(rounded.size(), maps, "label map") +
             ", by at most " + range_of({{"", std::ranges::max(rounded, {}, &Case::amount).amount}}, short_number) +
             ", most in " + worst_of(rounded) + ": save labels as integers");
  if (!misplaced.empty())
    doubtful("labelled voxels lie outside the image or on its background in " +
             count_of(misplaced.size(), maps, "label map") + ": " + names_of(misplaced, percent));
  if (!negative.empty())
    doubtful("labelled voxels lie on negative intensities, which become 0, in " +
             count_of(negative.size(), maps, "label map") + ": " + names_of(negative, percent) +
             "; expected images that count from 0 upwards, or intensity: zscore, ct or none");
  for (const std::string& kind : kinds) {
    remark_on_ids(
        subjects, kind, &LabelNotes::unnamed,
        [](const LabelNotes& labels) { return "not named by label table " + labels.table + ", so class 0"; }, remarks);
    remark_on_ids(
        subjects, kind, &LabelNotes::cut, [](const LabelNotes& labels) { return "outside the " + labels.field; },
        remarks);
  }
  return remarks;
}

}  // namespace crossfade::data
