// What `precision: bf16` does to the operations of a net.
#pragma once

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include "model/model_options.hpp"

namespace crossfade::model {

/// Autocast to bfloat16 on this thread and one kind of device, as long as it lives; nothing for fp32. Within the
/// outermost of several, ATen keeps what it has converted of the weights of convolutions: none may change before it
/// ends.
class Autocast {
 public:
  Autocast(Precision precision, c10::DeviceType device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool outermost_;
  c10::ScalarType type_;  // before
};

}  // namespace crossfade::model
