#include "schedules/curve.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <stdexcept>

namespace crossfade::schedules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string refusal(const Curve& curve) {
  try {
    check(curve);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Curve, StepTakesItsNewValueAtThePoint) {
  const Curve paper{"step", {{0, 1}, {0.7, 0}}};
  EXPECT_EQ(evaluate(paper, 0), 1);
  EXPECT_EQ(evaluate(paper, 0.6999999), 1);
  EXPECT_EQ(evaluate(paper, 0.7), 0);
  EXPECT_EQ(evaluate(paper, 1), 0);
}

TEST(Curve, HoldsItsFirstAndLastValueOutsideItsPoints) {
  for (const auto& [shape, help] : shape_names()) {
    if (shape == "constant") continue;
    const Curve curve{shape, {{0.25, 2}, {0.75, 3}}};
    EXPECT_EQ(evaluate(curve, 0), 2) << shape;
    EXPECT_EQ(evaluate(curve, -1), 2) << shape;
    EXPECT_EQ(evaluate(curve, 1), 3) << shape;
    EXPECT_EQ(evaluate(curve, 7), 3) << shape;
  }
  EXPECT_EQ(evaluate(constant(0.5), 0.3), 0.5);
}

TEST(Curve, MeetsItsPointsAndStaysBetweenThem) {
  for (const auto& [shape, help] : shape_names()) {
    if (shape == "constant") continue;
    const Curve curve{shape, {{0, 0.3}, {0.4, 1.7}, {0.9, 0.1}}};
    for (const auto& [progress, value] : curve.points) EXPECT_EQ(evaluate(curve, progress), value) << shape;
    double before = 0.3;
    for (int i = 0; i <= 400; ++i) {  // rises to 0.4, falls from there
      const double progress = i / 1000.0, value = evaluate(curve, progress);
      EXPECT_GE(value, before) << shape << " at " << progress;
      EXPECT_LE(value, 1.7) << shape << " at " << progress;
      before = value;
    }
  }
}

// Each from its formula at a quarter of the way from (0, 0) to (1, 1), worked out by hand.
TEST(Curve, GivesTheValueOfItsFormula) {
  const auto quarter = [](const char* shape) { return evaluate(Curve{shape, {{0, 0}, {1, 1}}}, 0.25); };
  EXPECT_DOUBLE_EQ(quarter("step"), 0);
  EXPECT_DOUBLE_EQ(quarter("linear"), 0.25);
  EXPECT_DOUBLE_EQ(quarter("piecewise"), 0.25);
  EXPECT_NEAR(quarter("cosine"), 0.146446609406726, 1e-14);    // (1 − √½) / 2
  EXPECT_NEAR(quarter("exponential"), 0.718335308375, 1e-11);  // (1 − 0.286504796860) / (1 − 0.006737946999)
  EXPECT_NEAR(quarter("sigmoid"), 0.070103716545, 1e-10);      // (0.075858180022 − 0.006692850924) / 0.986614298151
}

TEST(Curve, IsRefusedForTheRuleThatItBreaks) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refusal(Curve{}), "accepted");
  EXPECT_EQ(refusal({"step", {{0, 1}, {1, 0}}}), "accepted");
  EXPECT_THAT(refusal({"zigzag", {{0, 1}}}), HasSubstr("unknown shape 'zigzag'; known: constant, step, linear"));
  EXPECT_THAT(refusal({"linear", {}}), HasSubstr("at least one point"));
  EXPECT_THAT(refusal({"constant", {{0, 1}, {1, 2}}}), HasSubstr("one point"));
  EXPECT_THAT(refusal({"linear", {{0, 1}, {1.5, 2}}}), HasSubstr("from 0 to 1"));
  EXPECT_THAT(refusal({"linear", {{nan, 1}}}), HasSubstr("from 0 to 1"));
  EXPECT_THAT(refusal({"linear", {{0.5, 1}, {0.5, 2}}}), HasSubstr("must rise"));
  EXPECT_THAT(refusal({"linear", {{0, -1}}}), HasSubstr("not negative"));
  EXPECT_THAT(refusal({"linear", {{0, nan}}}), HasSubstr("finite"));
}

TEST(Curve, ChangesLastAtThePointBehindWhichItIsLevel) {
  EXPECT_EQ(last_change(constant(1)), 0);
  EXPECT_EQ(last_change({"step", {{0, 0}, {0.4, 1}, {0.7, 1}}}), 0.4);
  EXPECT_EQ(last_change({"linear", {{0.3, 1}, {0.6, 0}, {0.8, 0}}}), 0.6);
  EXPECT_EQ(last_change({"sigmoid", {{0, 1}, {1, 0}}}), 1);
  EXPECT_EQ(last_change({"step", {{0, 0}, {0.4, 1}, {1, 0}}}), 0.4) << "training does not reach 1";
  EXPECT_EQ(last_change({"step", {{0, 1}, {1, 0}}}), 0);
}

TEST(Curve, HoldsExactlyUpToWhereItSays) {
  const std::vector<std::pair<double, double>> points = {{0.1, 2},   {0.3, 2},   {0.45, 1},
                                                         {0.7, 0.1}, {0.8, 0.1}, {0.95, 3}};
  for (const auto& [shape, help] : shape_names()) {
    const Curve curve = shape == "constant" ? constant(2) : Curve{shape, points};
    for (int i = 0; i < 1000; ++i) {
      const double from = i / 1000.0, until = held_until(curve, from);
      EXPECT_GE(until, from) << shape;
      for (int j = i; j / 1000.0 < until; ++j) EXPECT_EQ(evaluate(curve, j / 1000.0), evaluate(curve, from)) << shape;
    }
    const bool steps = shape == "step";
    if (shape == "constant") continue;
    EXPECT_EQ(held_until(curve, 0), 0.1) << shape;
    EXPECT_EQ(held_until(curve, 0.1), 0.3) << shape;
    EXPECT_EQ(held_until(curve, 0.3), steps ? 0.45 : 0.3) << shape;
    EXPECT_EQ(held_until(curve, 0.75), 0.8) << shape;
    EXPECT_EQ(held_until(curve, 0.9), steps ? 0.95 : 0.9) << shape;
    EXPECT_EQ(held_until(curve, 0.95), 1) << shape;
  }
}

TEST(Curve, EndsWithWhatTrainingLastHas) {
  EXPECT_EQ(final_value(constant(2)), 2);
  EXPECT_EQ(final_value({"step", {{0, 1}, {0.7, 0.5}}}), 0.5);
  EXPECT_EQ(final_value({"step", {{0, 1}, {0.7, 0.5}, {1, 0}}}), 0.5);
  EXPECT_EQ(final_value({"step", {{1, 3}}}), 3) << "its value holds before its first point";
  EXPECT_EQ(final_value({"linear", {{0, 1}, {1, 0.25}}}), 0.25) << "what it comes as near to as steps are short";
}

TEST(Curve, MarksWhereItBeginsAndEndsToChange) {
  EXPECT_THAT(switch_points(constant(1)), IsEmpty());
  EXPECT_THAT(switch_points({"step", {{0, 0}, {0.4, 1}, {0.7, 1}}}), ElementsAre(0.4));
  EXPECT_THAT(switch_points({"linear", {{0.3, 1}, {0.6, 0}}}), ElementsAre(0.3, 0.6));
  EXPECT_THAT(switch_points({"cosine", {{0, 1}, {0.5, 1}, {1, 0}}}), ElementsAre(0.5));
  EXPECT_THAT(switch_points({"linear", {{0, 1}, {1, 0}}}), IsEmpty());  // changes from first to last
}

}  // namespace
}  // namespace crossfade::schedules
