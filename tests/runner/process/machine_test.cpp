#include "runner/process/machine.hpp"

#include <gtest/gtest.h>
#include <sys/sysinfo.h>

#include <fstream>

#include "tests/temporary_folder.hpp"

namespace crossfade::runner {
namespace {

class Machine : public testing::Test {
 protected:
  void write(const std::filesystem::path& file, const std::string& text) {
    std::filesystem::create_directories((proc_ / file).parent_path());
    std::ofstream(proc_ / file) << text;
  }
  const TemporaryFolder folder_;
  const std::filesystem::path& proc_ = folder_.path;
};

TEST_F(Machine, IsProcessorCoresMemoryAndGpus) {
  write("cpuinfo", "processor\t: 0\nmodel name\t: AMD EPYC 9\nbugs\t\t:\n\nprocessor\t: 1\nmodel name\t: AMD EPYC 9\n");
  write("meminfo", "MemTotal:       24684084 kB\nMemFree:        16439720 kB\n");
  EXPECT_EQ(machine(proc_), "AMD EPYC 9, 2 cores, 24 GiB");
  write("driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H100\nIRQ:   \t\t 16\n");
  EXPECT_EQ(machine(proc_), "AMD EPYC 9, 2 cores, 24 GiB; 1 x NVIDIA H100");
  write("driver/nvidia/gpus/0000:02:00.0/information", "Model: \t\t NVIDIA A100\n");
  write("driver/nvidia/gpus/0000:03:00.0/information", "Model: \t\t NVIDIA H100\n");
  EXPECT_EQ(machine(proc_), "AMD EPYC 9, 2 cores, 24 GiB; 1 x NVIDIA A100, 2 x NVIDIA H100");
}

TEST_F(Machine, LeavesOutWhatTheKernelDoesNotSay) {
  EXPECT_EQ(machine(proc_), "");
  write("cpuinfo", "processor\t: 0\nBogoMIPS\t: 50.00\n");  // as on ARM
  EXPECT_EQ(machine(proc_), "1 core");
}

TEST_F(Machine, AgreesWithTheSystemsOwnCalls) {
  const std::string text = machine();
  EXPECT_NE(text.find(", " + std::to_string(get_nprocs()) + " core"), std::string::npos) << text;
}

TEST_F(Machine, ComputesBfloat16WhereTheKernelSaysSo) {
  EXPECT_FALSE(computes_bf16(proc_));
  write("cpuinfo", "flags\t\t: fpu avx2 avx512f avx512bw\n");
  EXPECT_FALSE(computes_bf16(proc_));
  write("cpuinfo", "flags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile\n");
  EXPECT_TRUE(computes_bf16(proc_));
  write("cpuinfo", "Features\t: fp asimd i8mm bf16\n");
  EXPECT_TRUE(computes_bf16(proc_));
}

}  // namespace
}  // namespace crossfade::runner
