// Files of analysis/page/ that the program carries. Private to analysis/.
#pragma once

namespace crossfade::analysis {

extern const char* const kPageStyle;   // page.css
extern const char* const kPageScript;  // page.js

}  // namespace crossfade::analysis
