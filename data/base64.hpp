// Bytes as text.
#pragma once

#include <span>
#include <string>

namespace crossfade::data {

/// Base64 with padding, on one line (RFC 4648, section 4).
std::string base64(std::span<const unsigned char> bytes);

}  // namespace crossfade::data
