// What a volume is scored by. Private to analysis/.
#pragma once

#include <array>

namespace crossfade::analysis {

struct Metric {
  const char* name;   // in the database (subject_score.metric), CSV and JSON
  const char* title;  // in tables
};

inline constexpr std::array<Metric, 4> kMetrics = {
    {{"dice", "Dice"}, {"hd95_mm", "HD95 (mm)"}, {"nsd", "NSD"}, {"volume_difference", "Volume difference"}}};

}  // namespace crossfade::analysis
