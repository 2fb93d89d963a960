// Splits that the source of a cohort says itself.
#pragma once

#include <cstdint>
#include <vector>

#include "data/cohorts/split.hpp"
#include "data/sources/subject_list.hpp"

namespace crossfade::data {

/// What is wrong with a split that names numbers beside `from`, or a from without them; empty if nothing is.
std::string source_split_fault(const SplitSpec& spec);

/// Who trains, validates and tests in `fold`, as spec.from says. numbers: split_by_person(). parts: each subject's
/// own; where the source says "test" alone, spec.validation of the others, drawn by `seed`, validate, and the rest
/// train. folds: the fold's `validation` is tested, spec.validation of its others, drawn by `seed`, validate, and the
/// rest train; subjects that the fold does not name are left out. Throws std::invalid_argument where the source says
/// no parts or folds, has no such fold, or a part is empty that must not be, where it says who validates and so does
/// spec.validation, where it says "test" alone and numbers without test_subjects would let such a case train or
/// validate, and what split_by_person() throws.
Split split_of_source(const std::vector<ListedSubject>& subjects, const std::vector<SourceFold>& folds,
                      const SplitSpec& spec, std::uint64_t seed, int fold);

}  // namespace crossfade::data
