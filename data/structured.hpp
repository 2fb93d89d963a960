// Options that are more than one text: a list or map of a grid is kept as JSON.
#pragma once

#include <string>
#include <vector>

namespace crossfade::data {

/// The texts of a JSON list; any other text is the only one. Throws std::invalid_argument for what begins as a list and
/// is none, or none of texts.
std::vector<std::string> listed_texts(const std::string& text);

}  // namespace crossfade::data
