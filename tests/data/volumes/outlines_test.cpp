#include "data/volumes/outlines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "data/volumes/small_font.hpp"
#include "tests/error_of.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

using Colour = std::array<std::uint8_t, 3>;
using testing::HasSubstr;

constexpr int kGap = 6, kCaption = 18;  // pixels around a cell, and of a caption with the space below it

Colour at(const Picture& picture, int x, int y) {
  const std::size_t place =
      3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) + static_cast<std::size_t>(x));
  return {picture.rgb.at(place), picture.rgb.at(place + 1), picture.rgb.at(place + 2)};
}

Colour grey(int level) {
  const auto byte = static_cast<std::uint8_t>(level);
  return {byte, byte, byte};
}

/// The sheet of one slice without a caption, a character a pixel: '.' grey, else the class whose colour it has.
std::vector<std::string> outlines(int width, int height, const std::vector<std::uint8_t>& labels, int magnification) {
  const std::vector<float> black(labels.size(), 0.0F);
  const Picture sheet = contact_sheet(
      std::vector{SheetSlice{.width = width, .height = height, .grey = black, .labels = labels}}, 0, magnification);
  std::vector<std::string> rows;
  for (int y = 0; y < height * magnification; ++y) {
    rows.emplace_back();
    for (int x = 0; x < width * magnification; ++x) {
      const Colour colour = at(sheet, kGap + x, kGap + y);
      char drawn = colour == grey(0) ? '.' : '?';
      for (const int id : {1, 2})
        if (colour == outline_colour(static_cast<std::uint8_t>(id))) drawn = static_cast<char>('0' + id);
      rows.back() += drawn;
    }
  }
  return rows;
}

TEST(Outlines, AreOnePixelWideWithinTheirClassAndTheFirstRowIsLowest) {
  // Rows of the slice from the lowest: 0 0 0; 0 1 2.
  EXPECT_EQ(outlines(3, 2, {0, 0, 0, 0, 1, 2}, 3),
            (std::vector<std::string>{"...111222", "...1.12.2", "...111222", ".........", ".........", "........."}));
}

TEST(Outlines, GoAroundAClassAndNotAroundItsPixels) {
  EXPECT_EQ(outlines(3, 3, {1, 1, 1, 1, 1, 1, 0, 0, 1}, 2),
            (std::vector<std::string>{"....11", "....11", "1111.1", "1....1", "1....1", "111111"}));
  EXPECT_EQ(outlines(3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}, 1), (std::vector<std::string>{"111", "1.1", "111"}));
}

TEST(Outlines, AreNotDrawnAroundNoClassNorWhatNobodyJudged) {
  EXPECT_EQ(outlines(3, 1, {0, 255, 1}, 2), (std::vector<std::string>{"....11", "....11"}));
  const std::vector<float> black(4, 0.0F);
  const Picture bare = contact_sheet(std::vector{SheetSlice{.width = 2, .height = 2, .grey = black}}, 0, 1);
  for (const auto& [x, y] : {std::pair{0, 0}, {1, 0}, {0, 1}, {1, 1}}) EXPECT_EQ(at(bare, kGap + x, kGap + y), grey(0));
}

TEST(Outlines, HaveTwentyColoursThatAreFarFromEachOtherAndFromGrey) {
  for (int a = 1; a <= 20; ++a) {
    const Colour one = outline_colour(static_cast<std::uint8_t>(a));
    EXPECT_GE(std::ranges::max(one) - std::ranges::min(one), 68) << a;
    for (int b = 1; b < a; ++b) {
      const Colour other = outline_colour(static_cast<std::uint8_t>(b));
      EXPECT_GE(std::hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]), 45) << a << " " << b;
    }
    EXPECT_EQ(one, outline_colour(static_cast<std::uint8_t>(a + 20)));
  }
  EXPECT_EQ(outline_colour(0), grey(0));
  EXPECT_EQ(outline_colour(255), grey(0));
}

TEST(ContactSheet, DrawsGreyLevelsBetweenLowAndHigh) {
  const float none = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values{-9, 10, 15, 20, 99, none, 12.5F};
  const std::vector<int> levels{0, 0, 128, 255, 255, 0, 64};  // 255 * (v - 10) / 10, rounded
  const Picture sheet =
      contact_sheet(std::vector{SheetSlice{.width = 7, .height = 1, .grey = values, .window = {10, 20}}}, 1, 2);
  EXPECT_EQ(sheet.width, 7 * 2 + 2 * kGap);
  EXPECT_EQ(sheet.height, 1 * 2 + 2 * kGap);
  EXPECT_EQ(sheet.rgb.size(), static_cast<std::size_t>(3 * sheet.width * sheet.height));
  for (int n = 0; n < 7; ++n)
    for (const auto& [x, y] : {std::pair{0, 0}, {1, 0}, {0, 1}, {1, 1}})
      EXPECT_EQ(at(sheet, kGap + 2 * n + x, kGap + y), grey(levels[static_cast<std::size_t>(n)])) << n;
  for (const auto& [x, y] : {std::pair{0, 0}, {kGap - 1, kGap}, {kGap + 14, kGap}, {kGap, kGap + 2}})
    EXPECT_EQ(at(sheet, x, y), grey(40)) << x << " " << y;
}

TEST(ContactSheet, LaysSlicesRowByRowInCellsOfTheLargest) {
  const std::vector<float> white(6, 255.0F);
  const SheetSlice wide{.width = 3, .height = 2, .grey = white};
  const SheetSlice small{.width = 1, .height = 1, .grey = std::span(white).first(1)};
  const Picture sheet = contact_sheet(std::vector{wide, small, small}, 2, 4);
  // Cells of 12 x 8.
  EXPECT_EQ(sheet.width, 6 + 2 * (12 + 6));
  EXPECT_EQ(sheet.height, 6 + 2 * (8 + 6));
  int lit = 0;
  for (int y = 0; y < sheet.height; ++y)
    for (int x = 0; x < sheet.width; ++x) {
      const bool in_first = x >= 6 && x < 18 && y >= 6 && y < 14, in_second = x >= 24 && x < 28 && y >= 6 && y < 10,
                 in_third = x >= 6 && x < 10 && y >= 20 && y < 24;
      EXPECT_EQ(at(sheet, x, y), grey(in_first || in_second || in_third ? 255 : 40)) << x << " " << y;
      lit += at(sheet, x, y) == grey(255);
    }
  EXPECT_EQ(lit, 96 + 16 + 16);
  EXPECT_EQ(contact_sheet(std::vector(5, small), 0, 1).width, 6 + 3 * 7);  // 3 beside each other, 2 below
  EXPECT_EQ(contact_sheet(std::vector(5, small), 9, 1).height, 6 + 7);
}

TEST(ContactSheet, WritesCaptionsAboveSlices) {
  const std::vector<float> black(1, 0.0F);
  const SheetSlice slice{.width = 1, .height = 1, .grey = black, .caption = "L-t"};
  const Picture sheet = contact_sheet(std::vector{slice}, 1, 5);
  EXPECT_EQ(sheet.width, 2 * kGap + 4 * 12);  // a letter and the space behind it, in pixels of 2 x 2; and a blank
  EXPECT_EQ(sheet.height, 2 * kGap + kCaption + 5);
  const std::vector<std::string> drawn{"#           ##### ", "#             #   ", "#             #   ",
                                       "#     #####   #   ", "#             #   ", "#             #   ",
                                       "#####         #   "};
  for (int y = 0; y < 14; ++y)
    for (int x = 0; x < 36; ++x)
      EXPECT_EQ(at(sheet, kGap + x, kGap + y),
                grey(drawn[static_cast<std::size_t>(y / 2)][static_cast<std::size_t>(x / 2)] == '#' ? 230 : 40))
          << x << " " << y;
  EXPECT_EQ(at(sheet, kGap, kGap + kCaption), grey(0));
}

TEST(ContactSheet, RefusesWhatDoesNotFitTogether) {
  const std::vector<float> values(6, 0.0F);
  const std::vector<std::uint8_t> labels(5, 0);
  const SheetSlice sound{.width = 3, .height = 2, .grey = values};
  SheetSlice wrong_labels = sound, wrong_grey = sound, wrong_window = sound;
  wrong_labels.labels = labels;
  wrong_grey.width = 4;
  wrong_window.window.high = wrong_window.window.low;
  const auto refusal = [](const std::vector<SheetSlice>& slices, int columns, int magnification) {
    try {
      contact_sheet(slices, columns, magnification);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(refusal({sound, wrong_labels}, 0, 1),
              HasSubstr("slice 1 of a contact sheet has 6 grey levels and 5 labels"));
  EXPECT_THAT(refusal({wrong_grey}, 0, 1), HasSubstr("expected 8"));
  EXPECT_THAT(refusal({wrong_window}, 0, 1), HasSubstr("expected the first below the second"));
  EXPECT_THAT(refusal({}, 0, 1), HasSubstr("no slices"));
  EXPECT_THAT(refusal({sound}, -1, 1), HasSubstr("-1 columns"));
  EXPECT_THAT(refusal({sound}, 0, 0), HasSubstr("magnification of 0"));
  EXPECT_THAT(refusal({sound}, 0, 1 << 30), HasSubstr("at most 32767 either way"));
}

TEST(ContactSheet, IsWrittenAsThePngOfItsColours) {
  const TemporaryFolder folder;
  Picture picture{.width = 61, .height = 37, .rgb = {}};
  for (int n = 0; n < 3 * 61 * 37; ++n) picture.rgb.push_back(static_cast<std::uint8_t>(n * n % 251));
  write_png(folder / "sheet.png", picture);
  const std::string command = std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/picture_files.py decode " +
                              (folder / "sheet.png").string();
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream in(folder / "sheet.png.json");
  const auto back = nlohmann::json::parse(in);
  EXPECT_EQ(back["width"], 61);
  EXPECT_EQ(back["height"], 37);
  EXPECT_EQ(back["bits"], 8);
  EXPECT_EQ(back["colour_type"], 2);  // red, green, blue
  EXPECT_EQ(back["samples"].get<std::vector<std::uint8_t>>(), picture.rgb);
  EXPECT_THAT(error_of([&] { write_png(folder / "none" / "sheet.png", picture); }), HasSubstr("none/sheet.png"));
  picture.rgb.pop_back();
  EXPECT_THROW(write_png(folder / "other.png", picture), std::invalid_argument);
}

TEST(SmallFont, HasAnotherShapeForEachCharacterAndABoxForTheRest) {
  const std::string characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ .,:;-_+=/()[]%#*<>?!'";
  std::set<std::string> shapes;
  const auto shape = [](char character) {
    std::string rows;
    for (const std::string_view row : glyph_of(character)) {
      EXPECT_EQ(row.size(), 5U) << character;
      EXPECT_EQ(row.find_first_not_of("#."), std::string_view::npos) << character;
      rows += row;
    }
    return rows;
  };
  for (const char character : characters) shapes.insert(shape(character));
  EXPECT_EQ(shapes.size(), characters.size());
  EXPECT_EQ(shape('~'), "######...##...##...##...##...######");
  EXPECT_FALSE(shapes.contains(shape('~')));
  EXPECT_EQ(shape('q'), shape('Q'));
  EXPECT_EQ(shape('T'), "#####..#....#....#....#....#....#..");
}

}  // namespace
}  // namespace crossfade::data
