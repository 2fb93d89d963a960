// Running gnuplot. Private to analysis/.
#pragma once

#include <string>

namespace crossfade::analysis {

/// Runs `script` in a gnuplot of its own, without a shell and without the user's start-up file. Throws
/// std::runtime_error if it is not there, or with what it said if it fails.
void run_gnuplot(const std::string& script);

/// A gnuplot string literal. All but letters and spaces become octal escapes: gnuplot runs what stands in backquotes,
/// takes a leading '' for the whole of a string in single quotes, and reads digits after an escape as a part of it.
std::string gnuplot_quoted(const std::string& text);

}  // namespace crossfade::analysis
