#include "model/autocast.hpp"

#include <ATen/autocast_mode.h>

namespace crossfade::model {

Autocast::Autocast(Precision precision, c10::DeviceType device)
    : device_(device),
      outermost_(precision == Precision::kBf16 && !at::autocast::is_autocast_enabled(device)),
      type_(at::autocast::get_autocast_dtype(device)) {
  if (!outermost_) return;
  at::autocast::set_autocast_enabled(device, true);
  at::autocast::set_autocast_dtype(device, at::kBFloat16);
}

Autocast::~Autocast() {
  if (!outermost_) return;
  at::autocast::set_autocast_enabled(device_, false);
  at::autocast::set_autocast_dtype(device_, type_);
  at::autocast::clear_cache();  // of parameters
}

}  // namespace crossfade::model
