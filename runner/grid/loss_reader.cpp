#include "runner/grid/loss_reader.hpp"

#include <algorithm>
#include <stdexcept>

#include "runner/grid/parameter_reader.hpp"
#include "runner/grid/scalar_text.hpp"
#include "runner/grid/spelling.hpp"

namespace crossfade::runner {
namespace {

constexpr double kLargestWeight = 1e6;

void require_known(const Entry& entry, const char* what,
                   const std::vector<std::pair<std::string, std::string>>& known) {
  std::vector<std::string> names;
  for (const auto& [name, help] : known) names.push_back(name);
  if (std::find(names.begin(), names.end(), entry.key) == names.end())
    refuse(entry.place, std::string("unknown ") + what + " '" + entry.key + "', expected one of " + joined(names) +
                            did_you_mean(entry.key, names));
}

schedules::Curve read_curve(const Value& value, const std::string& path) {
  if (value.is_scalar()) return schedules::constant(read_number(value, path, 0, kLargestWeight));
  if (value.map.size() != 1)
    refuse(value.place, "expected a weight or one curve {SHAPE: {PROGRESS: WEIGHT, ...}} for " + path + ", not " +
                            (value.is_map() ? std::to_string(value.map.size()) + " shapes" : in_words(value)) +
                            (value.is_list() ? " (values to try belong in sweep or search.space)" : ""));
  const Entry& shape = value.map.front();
  require_known(shape, "shape", schedules::shape_names());
  if (!shape.value.is_map())
    refuse(shape.value.place,
           "expected points {PROGRESS: WEIGHT, ...} for " + path + "." + shape.key + ", not " + in_words(shape.value));
  schedules::Curve curve{shape.key, {}};
  for (const Entry& point : shape.value.map) {
    const auto progress = parse_number(point.key);
    if (!progress || *progress < 0 || *progress > 1)
      refuse(point.place, "expected a progress from 0 to 1, not '" + point.key + "'");
    curve.points.emplace_back(*progress, read_number(point.value, path + "." + shape.key, 0, kLargestWeight));
  }
  try {
    schedules::check(curve);
  } catch (const std::invalid_argument& error) {
    refuse(shape.value.place, error.what());
  }
  return curve;
}

}  // namespace

std::vector<schedules::ScheduledTerm> read_loss(const Value& map, const std::string& path) {
  if (!map.is_map() || map.map.empty())
    refuse(map.place, "expected at least one term {TERM: WEIGHT} for " + path + ", not " +
                          (map.is_map() ? "an empty map" : in_words(map)) +
                          (map.is_list() ? " (values to try belong in sweep or search.space)" : ""));
  std::vector<schedules::ScheduledTerm> terms;
  for (const Entry& entry : map.map) {
    require_known(entry, "loss term", schedules::term_names());
    terms.push_back({entry.key, read_curve(entry.value, path + "." + entry.key)});
  }

  const Value *plain = map.find("wce"), *boundary = map.find("wce_boundary");
  if (plain != nullptr && boundary != nullptr)
    refuse(boundary->place, "wce_boundary of " + path + " beside wce, which it holds already, expected one of the two");

  std::vector<double> moments = schedules::switch_points(terms);
  moments.insert(moments.begin(), 0);
  moments.push_back(1);
  for (const schedules::ScheduledTerm& term : terms)
    for (const auto& [progress, weight] : term.curve.points) moments.push_back(progress);
  std::ranges::sort(moments);
  for (const double moment : moments) {
    const bool nothing_to_learn = std::all_of(terms.begin(), terms.end(), [&](const schedules::ScheduledTerm& t) {
      return (moment < 1 ? schedules::evaluate(t.curve, moment) : schedules::final_value(t.curve)) == 0;
    });
    if (nothing_to_learn)
      refuse(map.place, "every term of " + path + " has weight 0 at progress " + number_text(moment) +
                            ", expected at least one above 0");
  }
  return terms;
}

}  // namespace crossfade::runner
