// Letters for pictures: five pixels wide, seven high.
#pragma once

#include <array>
#include <string_view>

namespace crossfade::data {

inline constexpr int kGlyphWidth = 5, kGlyphHeight = 7;

/// Rows from the top, '#' where there is ink and '.' elsewhere.
using Glyph = std::array<std::string_view, kGlyphHeight>;

/// Of a digit, a letter (small ones are drawn as capitals), a blank, or one of . , : ; - _ + = / ( ) [ ] % # * < > ? !
/// '; a box for any other.
Glyph glyph_of(char character);

}  // namespace crossfade::data
