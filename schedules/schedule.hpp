// What a grid says of a loss: its terms, each with a curve over training, and the conventions of their formulas.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "schedules/curve.hpp"

namespace crossfade::schedules {

/// One term and its weight over progress. Terms: see term_names().
struct ScheduledTerm {
  std::string term;
  Curve curve;
};

/// Every term with its formula in one line (wce, wdice, dice, ...).
const std::vector<std::pair<std::string, std::string>>& term_names();

/// Conventions of the formulas; docs/losses.md says what QuickNAT, FastSurfer, MONAI and nnU-Net choose.
struct LossOptions {
  double epsilon = 1e-5;             // in numerator and denominator of Dice
  bool background = true;            // class 0 counts in Dice
  bool batch = true;                 // Dice from the sums of the global batch; false: per image, then the mean
  bool squared_denominator = false;  // p^2 + g^2 in place of p + g
  std::string absent = "keep";  // classes absent from the labels of the batch or image: keep, or drop from both sums
  std::string normalise = "weights";  // wce over the sum of weights, or over the number of pixels (as QuickNAT)
  double weight_cap = 0;              // largest median-frequency class weight; 0: none
  double boundary_weight =
      0;  // w_0 of wce_boundary; 0: twice the largest class weight: 2 median(f) / min(f), or twice the cap
};

template <class Visitor>
void describe(Visitor& visit, LossOptions& o) {
  visit.number("epsilon", o.epsilon, 1e-12, 1, "smoothing in numerator and denominator of Dice");
  visit.flag("background", o.background, "class 0 counts in Dice");
  visit.flag("batch", o.batch, "Dice from the sums of the whole global batch; false: per image, then the mean");
  visit.flag("squared_denominator", o.squared_denominator, "squares in the denominator of Dice");
  visit.choice("absent", o.absent, {"keep", "drop"},
               "classes that no label of the batch has (with batch: false, of the image): keep or drop them in Dice. "
               "An image in which no class counts has loss 0, and counts in the mean over images");
  visit.choice("normalise", o.normalise, {"weights", "pixels"},
               "divide cross-entropy by the sum of weights or by the number of pixels");
  visit.number("weight_cap", o.weight_cap, 0, 1e9, "largest class weight; 0: no cap");
  visit.number(
      "boundary_weight", o.boundary_weight, 0, 1e9,
      "w_0 of wce_boundary; 0: twice the largest class weight, which is 2 median(f) / min(f) where it is not capped");
}

/// The terms that have a weight at the end of training, with that weight for good: what a following stage trains with.
std::vector<ScheduledTerm> ended(const std::vector<ScheduledTerm>& terms);

/// Progress from which on no term's weight changes any more; 0 where none ever does.
double last_change(const std::vector<ScheduledTerm>& terms);

/// The terms that have a weight at some progress, with it, in their order: all that a step's gradient is made of.
std::vector<std::pair<std::string, double>> active_terms(const std::vector<ScheduledTerm>& terms, double progress);

/// As of one curve: up to which progress active_terms() stay exactly what they are.
double held_until(const std::vector<ScheduledTerm>& terms, double progress);

/// Progress values at which any term's weight begins or ends to change, rising, without repeats.
std::vector<double> switch_points(const std::vector<ScheduledTerm>& terms);

}  // namespace crossfade::schedules
