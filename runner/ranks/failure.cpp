#include "runner/ranks/failure.hpp"

#include <c10/util/Exception.h>

#include <new>

namespace crossfade::runner {

std::string describe_failure(const std::exception& failure) {
  std::string text = failure.what();
  if (const auto* torch_error = dynamic_cast<const c10::Error*>(&failure)) text = torch_error->what_without_backtrace();
  if (dynamic_cast<const std::bad_alloc*>(&failure) != nullptr) text = "out of memory";
  const std::size_t begin = text.find_first_not_of('\n');
  // Where all is well nothing is said: a failure may not be without words.
  if (begin == std::string::npos) return "an error without a message";
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace crossfade::runner
