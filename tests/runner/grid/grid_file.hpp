// A grid in a temporary file, and what read_grid() says about it.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "runner/grid/grid.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::runner {

/// A small valid grid: line 1 is the study; each line is a place that tests change.
inline const std::string kValidGrid = R"(study: small
cohorts:
  phantom: {subjects: 4, size: 64, split: {train: 2, validation: 1, test: 1}}
defaults:
  seeds: [1]
  model: {width: 4}
  optimizer: {lr: 1e-2}
  stages:
    pretrain: {cohort: phantom, epochs: 2}
variants:
  A: {loss: {wce: 1}}
  B: {loss: {wdice: 1}, model: {norm: batch}}
)";

/// `text` with the first `from` replaced; fails the test where there is none.
inline std::string changed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << "the grid has no '" << from << "'";
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

inline Study study_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const TemporaryFolder folder;
  const auto file = folder / "grid.yaml";
  std::ofstream(file) << text;
  return read_grid(file, overrides);
}

/// What the refusal says, from the file's name on: "grid.yaml:3:5: ..."; "accepted" where there is none.
inline std::string refusal(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    study_of(text, overrides);
  } catch (const GridError& error) {
    const std::string message = error.what();
    const std::size_t file = message.find("grid.yaml");
    return message.starts_with("--set") || file == std::string::npos ? message : message.substr(file);
  }
  return "accepted";
}

}  // namespace crossfade::runner
