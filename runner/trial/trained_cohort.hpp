// Scans without labels, made ready for a net as its training data were.
#pragma once

#include "data/cohorts/cohort.hpp"
#include "data/cohorts/subject.hpp"
#include "runner/trial/trained_on.hpp"

namespace crossfade::runner {

/// A cohort without labels or subjects whose slices are those that the net was trained on: data::scanned_subject()
/// makes any scan's.
data::Cohort trained_cohort(const TrainedOn& net);

}  // namespace crossfade::runner
