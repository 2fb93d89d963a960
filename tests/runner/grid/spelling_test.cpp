#include "runner/grid/spelling.hpp"

#include <gtest/gtest.h>

namespace crossfade::runner {
namespace {

TEST(Spelling, CountsInsertionsDeletionsReplacementsAndExchanges) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("epoch", "epochs"), 1);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);  // the textbook's example
  EXPECT_EQ(edit_distance("modle", "model"), 1);
  EXPECT_EQ(edit_distance("CA", "ABC"), 3);  // optimal string alignment; unrestricted Damerau-Levenshtein has 2
  EXPECT_EQ(edit_distance("Adam", "adam"), 0);
}

TEST(Spelling, SuggestsTheNearestWord) {
  EXPECT_EQ(did_you_mean("optimiser", {"optimizer", "model"}), " (did you mean 'optimizer'?)");
  EXPECT_EQ(did_you_mean("lr_schedul", {"lr", "lr_schedule"}), " (did you mean 'lr_schedule'?)");
  EXPECT_EQ(did_you_mean("ADAM", {"sgd", "adam"}), " (did you mean 'adam'?)");
}

TEST(Spelling, SuggestsNothingFarOff) {
  EXPECT_EQ(did_you_mean("colour", {"model", "loss"}), "");
  EXPECT_EQ(did_you_mean("x", {}), "");
}

}  // namespace
}  // namespace crossfade::runner
