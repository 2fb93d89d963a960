// What hardware this machine is, for the record of a run.
#pragma once

#include <filesystem>
#include <string>

namespace crossfade::runner {

/// "AMD EPYC, 2 cores, 24 GiB", and with GPUs "…; 8 x NVIDIA H100 80GB HBM3": processor, logical cores and memory as
/// the kernel says them under `proc`; what it doesn't say is left out, so it is empty where nothing is known. Limits of
/// a container or a batch system are not in it.
std::string machine(const std::filesystem::path& proc = "/proc");

/// Whether its processor multiplies bfloat16 itself (AVX512-BF16, AMX, or ARM's BF16), as the kernel says it under
/// `proc`; elsewhere it would be emulated in float32, slowly.
bool computes_bf16(const std::filesystem::path& proc = "/proc");

}  // namespace crossfade::runner
