// The nearest valid word to a misspelt one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crossfade::runner {

/// Edits that turn one word into the other: a letter inserted, left out or replaced, or two neighbours exchanged
/// (optimal string alignment), case ignored.
int edit_distance(std::string_view a, std::string_view b);

/// " (did you mean 'epochs'?)", or "" where nothing is near: more than one edit for every three letters.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& valid);

/// "a, b, c"
std::string joined(const std::vector<std::string>& words);

}  // namespace crossfade::runner
