// A text of words, as options that list names take it.
#pragma once

#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace crossfade::data {

/// What stands between spaces, tabs and line ends.
inline std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

}  // namespace crossfade::data
