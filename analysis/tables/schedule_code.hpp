// A variant's schedule as code for others. Private to analysis/.
#pragma once

namespace crossfade::analysis {

extern const char* const kScheduleForMonai;  // analysis/tables/schedule_for_monai.py

}  // namespace crossfade::analysis
