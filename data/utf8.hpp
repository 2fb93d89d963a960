// Names of files and folders as text: they are bytes, and texts that are stored or printed are UTF-8.
#pragma once

#include <string>

namespace crossfade::data {

/// `bytes` with what is no UTF-8 replaced by U+FFFD.
std::string valid_utf8(const std::string& bytes);

}  // namespace crossfade::data
