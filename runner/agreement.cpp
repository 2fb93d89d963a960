#include "runner/agreement.hpp"

#include <cstdint>
#include <stdexcept>

namespace crossfade::runner {

std::string on_root(Communicator& ranks, const std::function<std::string()>& work) {
  constexpr char kDone = '+', kFailed = '-';
  std::string result;
  std::exception_ptr error;
  if (ranks.rank() == 0) {
    try {
      result = kDone + work();
    } catch (...) {
      error = std::current_exception();
      result = kFailed;
    }
  }
  result = ranks.broadcast(result, 0);
  if (error) std::rethrow_exception(error);
  if (result.front() == kFailed) throw SpokenElsewhere();
  return result.substr(1);
}

void agree(Communicator& ranks, const std::string& error) {
  // One reduction where all is well; the words travel only when they are needed.
  std::int64_t failed = error.empty() ? 0 : 1;
  ranks.all_reduce_sum(&failed, 1, ElementType::kInt64);
  if (failed == 0) return;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const std::string said = ranks.broadcast(error, rank);
    if (!said.empty()) throw std::runtime_error(said);
  }
}

}  // namespace crossfade::runner
