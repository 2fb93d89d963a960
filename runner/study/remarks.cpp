#include "runner/study/remarks.hpp"

#include "runner/process/log.hpp"

namespace crossfade::runner {

void log_remarks(const std::vector<data::Remark>& remarks, const std::string& prefix) {
  for (const data::Remark& remark : remarks) {
    if (remark.doubtful)
      log_warning(prefix + remark.text);
    else
      log_info(prefix + remark.text);
  }
}

}  // namespace crossfade::runner
