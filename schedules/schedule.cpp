#include "schedules/schedule.hpp"

#include <algorithm>

namespace crossfade::schedules {

std::vector<ScheduledTerm> ended(const std::vector<ScheduledTerm>& terms) {
  std::vector<ScheduledTerm> rest;
  for (const ScheduledTerm& term : terms) {
    if (const double weight = final_value(term.curve); weight > 0) rest.push_back({term.term, constant(weight)});
  }
  return rest;
}

double last_change(const std::vector<ScheduledTerm>& terms) {
  double last = 0;
  for (const ScheduledTerm& term : terms) last = std::max(last, last_change(term.curve));
  return last;
}

std::vector<std::pair<std::string, double>> active_terms(const std::vector<ScheduledTerm>& terms, double progress) {
  std::vector<std::pair<std::string, double>> active;
  for (const ScheduledTerm& term : terms)
    if (const double weight = evaluate(term.curve, progress); weight != 0) active.emplace_back(term.term, weight);
  return active;
}

double held_until(const std::vector<ScheduledTerm>& terms, double progress) {
  double until = 1;
  for (const ScheduledTerm& term : terms) until = std::min(until, held_until(term.curve, progress));
  return until;
}

std::vector<double> switch_points(const std::vector<ScheduledTerm>& terms) {
  std::vector<double> all;
  for (const ScheduledTerm& term : terms) {
    const std::vector<double> own = switch_points(term.curve);
    all.insert(all.end(), own.begin(), own.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace crossfade::schedules
