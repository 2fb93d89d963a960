# Compiler settings of our own code: warnings are errors.
add_library(crossfade_settings INTERFACE)
add_library(crossfade::settings ALIAS crossfade_settings)
target_compile_features(crossfade_settings INTERFACE cxx_std_20)
target_compile_options(crossfade_settings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Werror)
target_include_directories(crossfade_settings INTERFACE "${PROJECT_SOURCE_DIR}")

# crossfade_room(NAME SOURCES... ): the static library of a folder, as crossfade::NAME.
function(crossfade_room name)
  add_library(crossfade_${name} STATIC ${ARGN})
  add_library(crossfade::${name} ALIAS crossfade_${name})
  target_link_libraries(crossfade_${name} PUBLIC crossfade::settings)
endfunction()

# crossfade_use_torch(TARGET): links LibTorch and takes the shared precompiled header.
function(crossfade_use_torch target)
  target_link_libraries(${target} PUBLIC crossfade::torch)
  target_precompile_headers(${target} REUSE_FROM crossfade_torch_pch)
endfunction()

# crossfade_test(NAME [IN_ONE_PROCESS] SOURCES...): a GoogleTest program; link what it tests with target_link_libraries
# afterwards. Each of its tests is one of ctest's, in a process of its own; with IN_ONE_PROCESS all are one, for programs
# that link LibTorch, which takes a second to load.
function(crossfade_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "IN_ONE_PROCESS" "" "")
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE crossfade::settings GTest::gtest_main GTest::gmock)
  if(arg_IN_ONE_PROCESS)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 900)
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 600)
  endif()
endfunction()

# crossfade_use_torch_in_program(TARGET): the same for an executable, whose code must then be as position-independent as
# the precompiled header; -fPIC comes after CMake's -fPIE, so it wins.
function(crossfade_use_torch_in_program target)
  crossfade_use_torch(${target})
  target_compile_options(${target} PRIVATE -fPIC)
endfunction()

# crossfade_parallel(ROOM SOURCES...): for sources of the room that call at::parallel_for. Without OpenMP it runs on one
# thread and says nothing. They go without the precompiled header, which would have to be compiled with it as well.
function(crossfade_parallel room)
  find_package(OpenMP REQUIRED)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "${OpenMP_CXX_FLAGS}" SKIP_PRECOMPILE_HEADERS ON)
  target_link_options(crossfade_${room} PUBLIC ${OpenMP_CXX_FLAGS})  # the runtime is found as libtorch's, by its name
endfunction()

# crossfade_kernels(ROOM SOURCES...): compiles sources of the room once for every machine, with CROSSFADE_KERNELS standing
# for kKernelsOfBaseline, and in builds for speed on x86-64 also for its levels v3 (AVX2) and v4 (AVX-512), as kKernelsOfV3
# and kKernelsOfV4; the room then has the definition CROSSFADE_KERNELS_FOR_LEVELS. Once a room.
function(crossfade_kernels room)
  set(levels Baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND CMAKE_BUILD_TYPE STREQUAL "Release")
    list(APPEND levels V3 V4)
    target_compile_definitions(crossfade_${room} PRIVATE CROSSFADE_KERNELS_FOR_LEVELS)
  endif()
  foreach(level IN LISTS levels)
    set(object crossfade_${room}_kernels_${level})
    add_library(${object} OBJECT ${ARGN})
    target_link_libraries(${object} PRIVATE crossfade::settings)
    target_compile_definitions(${object} PRIVATE CROSSFADE_KERNELS=kKernelsOf${level})
    # Vectors are arguments of inlined functions alone, so that it does not matter how a call would pass them.
    target_compile_options(${object} PRIVATE -Wno-psabi)
    if(NOT level STREQUAL "Baseline")
      string(TOLOWER ${level} march)
      target_compile_options(${object} PRIVATE -march=x86-64-${march})
    endif()
    target_sources(crossfade_${room} PRIVATE $<TARGET_OBJECTS:${object}>)
  endforeach()
endfunction()
