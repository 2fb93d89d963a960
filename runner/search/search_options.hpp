// How a study looks for a schedule.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "runner/search/space.hpp"

namespace crossfade::runner {

/// A range of the space, as the grid has it.
struct RangeOptions {
  double from = std::numeric_limits<double>::quiet_NaN(), to = from;  // have no default
  double step = 0;
  std::string scale = "linear";
};

template <class Visitor>
void describe(Visitor& visit, RangeOptions& r) {
  visit.number("from", r.from, -1e9, 1e9, "lowest value; required");
  visit.number("to", r.to, -1e9, 1e9, "highest value; required");
  visit.number("step", r.step, 0, 1e9,
               "from one value to the next; 0: any value of the range, of a PROGRESS the ends of its stage's epochs");
  visit.choice("scale", r.scale, {"linear", "log"}, "log: chosen evenly by logarithm");
}

/// What a search may cost; 0: no limit.
struct SearchBudget {
  double epochs = 0;
  double minutes = 0;
};

template <class Visitor>
void describe(Visitor& visit, SearchBudget& b) {
  visit.number(
      "epochs", b.epochs, 0, 1e9,
      "epochs of all candidates over all seeds, by their schedules: those that they share counted once; 0: no limit");
  visit.number("minutes", b.minutes, 0, 1e9,
               "minutes of training and validation of one group of ranks, looked at after every `batch` candidates; 0: "
               "no limit. "
               "What it ends with depends on the machine");
}

struct SearchOptions {
  std::string name = "schedule found";
  std::string method = "branch";
  std::string objective = "end";
  int batch = 4;
  std::uint64_t seed = 1;
  int finalists = 1;
  SearchBudget budget;
};

template <class Visitor>
void describe(Visitor& visit, SearchOptions& s) {
  visit.text("name", s.name, "name of the row of the best candidate in tables; of further finalists with (2), (3), ..");
  visit.choice("method", s.method, {"grid", "random", "model", "branch"},
               "grid: all points; random: a Sobol sequence; model: expected improvement of a Gaussian process; branch: "
               "one moment after the other, from the best trunk so far");
  visit.choice("objective", s.objective, {"end", "best"},
               "mean validation Dice over the seeds that ranks candidates: after the last epoch of the last stage, or "
               "of its best epoch");
  visit.integer("batch", s.batch, 1, 1000,
                "candidates chosen at a time by random and model, and by each method with budget.minutes");
  visit.seed("seed", s.seed, "random, model: of the search's own choices");
  visit.integer("finalists", s.finalists, 1, 100,
                "best candidates that are trained again with the seeds of `defaults` and tested");
  visit.group("budget", s.budget, "what the search may cost; random and model need one");
}

/// A search as the grid has it. Its settings, with $NAME for the value of each dimension, stay in the grid's text.
struct Search {
  SearchOptions options;
  std::vector<std::uint64_t> seeds;  // each candidate is trained with; none of them is tested
  Space space;
};

}  // namespace crossfade::runner
