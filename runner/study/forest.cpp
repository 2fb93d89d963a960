#include "runner/study/forest.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <utility>

#include "data/hash.hpp"

namespace crossfade::runner {
namespace {

using Active = std::vector<std::pair<std::string, double>>;
using Members = std::vector<std::size_t>;

/// What made a net: the beginning, and the steps at which its active terms or their weights became others.
struct History {
  std::string text;
  Active last{};
};

/// Exact, for a digest.
std::string text_of(const Active& active) {
  std::string text;
  for (const auto& [term, weight] : active) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "=%a;", weight);
    text += term + digits;
  }
  return text;
}

class Planner {
 public:
  explicit Planner(const std::vector<Path>& paths) : paths_(paths) { forest_.stages.resize(paths.size()); }

  Forest plan() {
    std::map<std::string, Members> groups;
    std::vector<std::string> order;
    for (std::size_t p = 0; p < paths_.size(); ++p) {
      Members& group = groups[paths_[p].beginning];
      if (group.empty()) order.push_back(paths_[p].beginning);
      group.push_back(p);
      forest_.alone += paths_[p].steps;
    }
    for (const std::string& beginning : order) part(groups[beginning], 0, -1, {.text = beginning + "\n"});
    return std::move(forest_);
  }

 private:
  double progress(std::size_t path, std::int64_t step) const {
    return static_cast<double>(step) / static_cast<double>(paths_[path].steps);
  }

  Active at(std::size_t path, std::int64_t step) const {
    return schedules::active_terms(paths_[path].loss, progress(path, step));
  }

  /// The next step at which one of them may have another weight, or their last: weights mostly stay for thousands.
  std::int64_t next_change(const Members& members, std::int64_t step) const {
    const std::int64_t steps = paths_[members.front()].steps;
    double until = 1;
    for (const std::size_t path : members)
      until = std::min(until, schedules::held_until(paths_[path].loss, progress(path, step)));
    std::int64_t next = std::max(step + 1, static_cast<std::int64_t>(until * static_cast<double>(steps)) - 1);
    while (next < steps && progress(members.front(), next) < until) ++next;
    return std::min(next, steps);
  }

  /// Gives each way that `members` go on from `step` a node of its own. `history`: what all did before.
  void part(const Members& members, std::int64_t step, int parent, const History& history) {
    std::vector<std::pair<Active, Members>> ways;
    for (const std::size_t path : members) {
      const Active active = at(path, step);
      const auto way = std::ranges::find(ways, active, [](const auto& known) { return known.first; });
      if (way == ways.end())
        ways.emplace_back(active, Members{path});
      else
        way->second.push_back(path);
    }
    for (const auto& [active, same] : ways) {
      if (step > 0) leave(members, same, step, history);
      if (step == 0) share_terms(same);
      follow(same, step, parent, history);
    }
  }

  /// One node, to where its members part or the stage ends.
  void follow(const Members& members, std::int64_t begin, int parent, History history) {
    const std::int64_t steps = paths_[members.front()].steps;
    std::int64_t step = members.size() > 1 ? begin : steps;
    for (; step < steps; step = next_change(members, step)) {
      Active active = at(members.front(), step);
      const auto parts = [&](std::size_t path) { return at(path, step) != active; };
      if (step > begin && std::any_of(members.begin() + 1, members.end(), parts)) break;
      if (step == 0 || active != history.last) history.text += std::to_string(step) + ":" + text_of(active) + "\n";
      history.last = std::move(active);
    }
    const int node = static_cast<int>(forest_.nodes.size());
    forest_.nodes.push_back({parent, begin, step, members});
    forest_.shared += step - begin;
    if (step < steps) return part(members, step, node, history);
    for (const std::size_t path : members) {  // the same weights, otherwise written
      Members like;
      std::ranges::copy_if(members, std::back_inserter(like),
                           [&](std::size_t other) { return paths_[other].hash == paths_[path].hash; });
      if (like.size() < members.size()) add(path, steps, history, any_open(members, like));
    }
  }

  /// A branch at `step` for those of `members` that go on as `same`.
  void leave(const Members& members, const Members& same, std::int64_t step, const History& history) {
    for (const std::size_t path : same) add(path, step, history, any_open(members, same));
  }

  bool any_open(const Members& members, const Members& but) const {
    return std::ranges::any_of(
        members, [&](std::size_t path) { return paths_[path].open && std::ranges::find(but, path) == but.end(); });
  }

  void add(std::size_t path, std::int64_t step, const History& history, bool leave) {
    const std::string key = data::sha256_hex(history.text + std::to_string(step));
    forest_.stages[path].branches.push_back({step, key, leave});
  }

  void share_terms(const Members& members) {
    std::vector<std::string> all;
    for (const std::size_t path : members)
      for (const schedules::ScheduledTerm& term : paths_[path].loss)
        if (std::ranges::find(all, term.term) == all.end()) all.push_back(term.term);
    for (const std::size_t path : members) {
      const std::vector<schedules::ScheduledTerm>& own = paths_[path].loss;
      std::ranges::copy_if(all, std::back_inserter(forest_.stages[path].terms), [&](const std::string& term) {
        return std::ranges::none_of(own, [&](const schedules::ScheduledTerm& t) { return t.term == term; });
      });
    }
  }

  const std::vector<Path>& paths_;
  Forest forest_;
};

}  // namespace

Forest plan_forest(const std::vector<Path>& paths) {
  return Planner(paths).plan();
}

}  // namespace crossfade::runner
