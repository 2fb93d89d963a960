#include "runner/study/search_check.hpp"

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "runner/grid/search_trials.hpp"
#include "runner/search/methods.hpp"

namespace crossfade::runner {
namespace {

using Persons = std::set<std::string>;

struct Parts {
  Persons learnt;                         // from, in any stage, be it by choosing its best epoch
  Persons validated;                      // on, in the last stage
  std::map<std::string, Persons> tested;  // by stage
};

Persons persons_in(const std::vector<std::string>& subjects, const CohortPlan& plan) {
  Persons persons;
  for (const std::string& subject : subjects) persons.insert(person_of(subject, plan));
  return persons;
}

/// Of a candidate: as its finalist will have them.
Parts parts_of(TrialConfig trial, const CohortPlans& plans) {
  trial.tested = true;
  const std::vector<data::Split> splits = splits_of(trial, plans);
  Parts parts;
  for (std::size_t s = 0; s < splits.size(); ++s) {
    const StageOptions& stage = trial.stages[s];
    const CohortPlan& plan = plans.at(stage.cohort);
    parts.validated = persons_in(splits[s].validation, plan);
    parts.learnt.insert(parts.validated.begin(), parts.validated.end());
    parts.learnt.merge(persons_in(splits[s].train, plan));
    parts.tested[stage.name] = persons_in(splits[s].test, plans.at(test_cohort(stage)));
  }
  return parts;
}

[[noreturn]] void refuse_search(const TrialConfig& candidate, const std::string& what) {
  throw std::runtime_error("search: '" + candidate.variant + "' " + what +
                           "; give the cohorts the same split and seed, or name test_subjects");
}

void compare(const TrialConfig& candidate, const Parts& own, const TrialConfig& variant, const Parts& others) {
  for (const auto& [stage, persons] : others.tested) {
    for (const std::string& person : persons)
      if (own.learnt.contains(person))
        refuse_search(candidate, "learns from " + person + ", whom variant '" + variant.variant +
                                     "' tests: no test subject may have a part in the search");
    if (const auto same = own.tested.find(stage); same != own.tested.end() && same->second != persons)
      refuse_search(candidate, "would be tested in stage " + stage + " on other subjects than variant '" +
                                   variant.variant + "', with which it is compared");
  }
}

}  // namespace

Study with_candidates(Study study) {
  if (!study.search) return study;
  const std::vector<Point> first = next_points(*study.search, {});
  const std::vector<TrialConfig> candidates =
      candidate_trials(study, with_each_value(study.search->space, first.front()));
  study.trials.insert(study.trials.end(), candidates.begin(), candidates.end());
  return study;
}

void check_search(std::span<const TrialConfig> variants, std::span<const TrialConfig> candidates,
                  const CohortPlans& plans) {
  if (candidates.empty()) return;
  std::vector<Parts> of_variants;
  for (const TrialConfig& variant : variants) of_variants.push_back(parts_of(variant, plans));
  const Parts first = parts_of(candidates.front(), plans);
  for (const TrialConfig& candidate : candidates) {
    const Parts own = parts_of(candidate, plans);
    for (std::size_t v = 0; v < variants.size(); ++v) compare(candidate, own, variants[v], of_variants[v]);
    if (own.validated != first.validated)
      refuse_search(candidate,
                    "is ranked by its Dice on other validation subjects than '" + candidates.front().variant + "'");
  }
}

}  // namespace crossfade::runner
