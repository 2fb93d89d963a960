// The subcommands of `runner`. Each adds itself to the command line and, when chosen, does its work and returns the
// exit code (runner/process/exit_codes.hpp); errors are exceptions.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace crossfade::runner {

using Action = std::function<int()>;

/// The default: a grid (collective over the world).
Action add_grid_options(CLI::App& app);
/// Every key of a grid, as in docs/grid.md.
Action add_keys(CLI::App& app);
/// Label maps or phantoms to shards.
Action add_prepare(CLI::App& app);
/// Table 1 from a results database.
Action add_report(CLI::App& app);
/// Figure 1 from a results database.
Action add_plot(CLI::App& app);
/// How far a study is.
Action add_status(CLI::App& app);
/// A study as one HTML page.
Action add_page(CLI::App& app);
/// A study for other tools.
Action add_export(CLI::App& app);
/// A finished search, tried again by other methods.
Action add_replay(CLI::App& app);
/// A checkpoint on a prepared cohort (collective over the world).
Action add_evaluate(CLI::App& app);
/// Labels for scans without any (collective over the world).
Action add_predict(CLI::App& app);
/// Label volumes of another tool, with the same metrics.
Action add_score(CLI::App& app);

}  // namespace crossfade::runner
