# LibTorch and NCCL as the torch wheel brings them, as imported targets.
# Torch's own TorchConfig.cmake refuses to configure without a CUDA toolkit, and probes for a GPU where there is one;
# Crossfade has no CUDA sources, so it needs neither.
#
# In:  CROSSFADE_PYTHON_ENV  the virtual environment that scripts/setup made
# Out: target crossfade::torch, CROSSFADE_TORCH_LIB (for the RPATH of installed programs)

file(GLOB _site "${CROSSFADE_PYTHON_ENV}/lib/python3.*/site-packages")
if(NOT EXISTS "${_site}/torch/lib/libtorch_cpu.so")
  message(FATAL_ERROR "No LibTorch in CROSSFADE_PYTHON_ENV='${CROSSFADE_PYTHON_ENV}'. "
                      "Run scripts/setup and pass the folder that it prints: -DCROSSFADE_PYTHON_ENV=FOLDER")
endif()
set(CROSSFADE_TORCH_LIB "${_site}/torch/lib")

add_library(crossfade_torch INTERFACE)
add_library(crossfade::torch ALIAS crossfade_torch)
target_include_directories(crossfade_torch SYSTEM INTERFACE
  "${_site}/torch/include" "${_site}/torch/include/torch/csrc/api/include")
target_compile_definitions(crossfade_torch INTERFACE USE_DISTRIBUTED)
# torch registers operators and devices by static initialisers that no symbol refers to.
target_link_options(crossfade_torch INTERFACE "LINKER:--no-as-needed" "LINKER:-rpath,${CROSSFADE_TORCH_LIB}")
# libstdc++ first: libtorch.so exports a std::filesystem of its own that crashes in remove_all().
target_link_libraries(crossfade_torch INTERFACE
  stdc++ "${CROSSFADE_TORCH_LIB}/libtorch.so" "${CROSSFADE_TORCH_LIB}/libtorch_cpu.so" "${CROSSFADE_TORCH_LIB}/libc10.so")

if(EXISTS "${CROSSFADE_TORCH_LIB}/libtorch_cuda.so" AND EXISTS "${_site}/nvidia/nccl/include/nccl.h")
  message(STATUS "LibTorch: ${_site}/torch, with CUDA and NCCL")
  target_include_directories(crossfade_torch SYSTEM INTERFACE
    "${_site}/nvidia/cu13/include" "${_site}/nvidia/nccl/include")
  target_compile_definitions(crossfade_torch INTERFACE USE_C10D_NCCL CROSSFADE_WITH_NCCL)
  target_link_libraries(crossfade_torch INTERFACE
    "${CROSSFADE_TORCH_LIB}/libtorch_cuda.so" "${CROSSFADE_TORCH_LIB}/libc10_cuda.so")
else()
  message(STATUS "LibTorch: ${_site}/torch, CPU only (this wheel has no CUDA libraries)")
endif()

# One precompiled header for all rooms that see Torch, of what most of them use: 35 s once instead of in every file. The
# compiler instantiates the templates of its inline functions in each file again, so more of it costs more: an empty file
# takes 8 s, and 12 s with the whole of torch/torch.h.
add_library(crossfade_torch_pch STATIC "${CMAKE_CURRENT_LIST_DIR}/torch_pch.cpp")
target_link_libraries(crossfade_torch_pch PUBLIC crossfade::torch crossfade::settings)
target_precompile_headers(crossfade_torch_pch PRIVATE <torch/types.h> <torch/autograd.h> <torch/nn/module.h> <torch/utils.h>)
