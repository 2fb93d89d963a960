#include "runner/grid/loss_reader.hpp"

#include <gmock/gmock.h>

namespace crossfade::runner {
namespace {

using ::testing::HasSubstr;

std::vector<schedules::ScheduledTerm> loss_of(const std::string& text) {
  return read_loss(parse_document(text, "f"), "loss");
}

std::string refusal(const std::string& text) {
  try {
    loss_of(text);
  } catch (const GridError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(LossReader, ReadsNumbersAndCurvesInTheOrderOfTheGrid) {
  const auto loss = loss_of("wdice: {step: {0: 0, 0.4: 1}}\nwce: 2\n");
  ASSERT_EQ(loss.size(), 2u);
  EXPECT_EQ(loss[0].term, "wdice");
  EXPECT_EQ(loss[0].curve, (schedules::Curve{"step", {{0, 0}, {0.4, 1}}}));
  EXPECT_EQ(loss[1].term, "wce");
  EXPECT_EQ(loss[1].curve, schedules::constant(2));
}

TEST(LossReader, KnowsEveryShape) {
  for (const auto& [shape, help] : schedules::shape_names()) {
    const std::string points = shape == "constant" ? "{0: 1}" : "{0: 1, 0.5: 2, 1: 1}";
    EXPECT_EQ(loss_of("wce: {" + shape + ": " + points + "}")[0].curve.shape, shape);
  }
}

TEST(LossReader, RefusesUnknownNamesWithTheNearest) {
  EXPECT_THAT(refusal("wces: 1"),
              HasSubstr("f:1:1: unknown loss term 'wces', expected one of wce, wce_boundary, wdice"));
  EXPECT_THAT(refusal("wces: 1"), HasSubstr("(did you mean 'wce'?)"));
  EXPECT_THAT(refusal("wce: {stp: {0: 1}}"), HasSubstr("f:1:7: unknown shape 'stp', expected one of"));
  EXPECT_THAT(refusal("wce: {stp: {0: 1}}"), HasSubstr("(did you mean 'step'?)"));
}

TEST(LossReader, RefusesWhatIsNoWeight) {
  EXPECT_EQ(refusal("wce: -1"), "f:1:6: expected a number from 0 to 1e+06 for loss.wce, not '-1'");
  EXPECT_EQ(refusal("wce: {step: {0: much}}"),
            "f:1:17: expected a number from 0 to 1e+06 for loss.wce.step, not 'much'");
  EXPECT_EQ(refusal("wce: [1, 2]"),
            "f:1:6: expected a weight or one curve {SHAPE: {PROGRESS: WEIGHT, ...}} for loss.wce, not a list "
            "(values to try belong in sweep or search.space)");
  EXPECT_EQ(refusal("wce: {step: {0: 1}, linear: {0: 1}}"),
            "f:1:6: expected a weight or one curve {SHAPE: {PROGRESS: WEIGHT, ...}} for loss.wce, not 2 shapes");
  EXPECT_EQ(refusal("wce: {step: 1}"), "f:1:13: expected points {PROGRESS: WEIGHT, ...} for loss.wce.step, not '1'");
}

TEST(LossReader, RefusesAMomentWithoutAnyLoss) {
  const std::string fault = "every term of loss has weight 0 at progress 0.5, expected at least one above 0";
  EXPECT_THAT(refusal("wce: {linear: {0: 1, 0.5: 0, 1: 1}}"), HasSubstr(fault)) << "a bend is no switch";
  EXPECT_THAT(refusal("wce: {linear: {0: 1, 0.5: 0}}\nwdice: {linear: {0.5: 0, 1: 1}}"), HasSubstr(fault));
  EXPECT_EQ(refusal("wce: {linear: {0: 1, 0.5: 0, 1: 1}}\ndice: 0.1"), "accepted");
}

TEST(LossReader, RefusesATermBesideOneThatHoldsIt) {
  EXPECT_THAT(refusal("{wce: 1, wce_boundary: 1}"),
              HasSubstr("f:1:24: wce_boundary of loss beside wce, which it holds already, expected one of the two"));
  EXPECT_EQ(loss_of("{wce_boundary: 1, dice: 1}").size(), 2u);
}

TEST(LossReader, RefusesPointsThatAreNoProgress) {
  EXPECT_EQ(refusal("wce: {step: {0: 1, 7: 0}}"), "f:1:20: expected a progress from 0 to 1, not '7'");
  EXPECT_EQ(refusal("wce: {step: {start: 1}}"), "f:1:14: expected a progress from 0 to 1, not 'start'");
  EXPECT_THAT(refusal("wce: {step: {0.5: 1, 0.2: 0}}"), HasSubstr("f:1:13: curve: point (0.2"));
  EXPECT_THAT(refusal("wce: {step: {0: 1, 0.0: 2}}"), HasSubstr("progress must rise"));
  EXPECT_THAT(refusal("wce: {step: {}}"), HasSubstr("f:1:13: curve: a step curve needs at least one point"));
}

TEST(LossReader, RefusesALossOfNothing) {
  EXPECT_EQ(refusal("{}"), "f:1:1: expected at least one term {TERM: WEIGHT} for loss, not an empty map");
  EXPECT_EQ(refusal("wce"), "f:1:1: expected at least one term {TERM: WEIGHT} for loss, not 'wce'");
  EXPECT_EQ(refusal("wce: 0"), "f:1:1: every term of loss has weight 0 at progress 0, expected at least one above 0");
  EXPECT_EQ(refusal("wce: {step: {0: 1, 0.3: 0}}\nwdice: {step: {0: 0, 0.6: 1}}"),
            "f:1:1: every term of loss has weight 0 at progress 0.3, expected at least one above 0");
  EXPECT_EQ(refusal("wce: {linear: {0: 1, 1: 0}}"),
            "f:1:1: every term of loss has weight 0 at progress 1, expected at least one above 0");
  EXPECT_EQ(refusal("wce: {step: {0: 1, 1: 0}}"), "accepted") << "which training does not reach";
}

}  // namespace
}  // namespace crossfade::runner
