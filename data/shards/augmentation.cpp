#include "data/shards/augmentation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "data/labels/classes.hpp"

namespace crossfade::data {
namespace {

struct Draws {
  InPlaneMovement movement;
  double exponent = 1;
  std::array<double, 8> bias{};  // coefficients of the field, without its constant
  double bias_peak = 0;
  double factor = 1;
  double noise_sd = 0;  // in units of sd
};

/// Always the same draws in the same order, so that switching one option on leaves the others' numbers as they were.
Draws draw(const AugmentationOptions& o, const std::array<double, 2>& pixel_mm, Random& random) {
  Draws d;
  d.movement.degrees = o.rotation * random.uniform(-1, 1);
  d.movement.zoom = 1 + o.scale * random.uniform(-1, 1);
  d.movement.shift_x = o.translation_mm / pixel_mm[0] * random.uniform(-1, 1);
  d.movement.shift_y = o.translation_mm / pixel_mm[1] * random.uniform(-1, 1);
  d.exponent = std::exp(o.gamma * random.uniform(-1, 1));
  for (double& coefficient : d.bias) coefficient = random.uniform(-1, 1);
  d.bias_peak = o.bias * random.uniform();
  d.factor = 1 + o.intensity * random.uniform(-1, 1);
  d.noise_sd = o.noise * random.uniform();
  return d;
}

/// cos(pi * order * (position + 1/2) / size) for orders 0 to 2.
std::array<std::vector<double>, 3> cosines(int size) {
  std::array<std::vector<double>, 3> waves;
  for (std::size_t order = 0; order < 3; ++order)
    for (int position = 0; position < size; ++position)
      waves[order].push_back(std::cos(std::numbers::pi * static_cast<double>(order) * (position + 0.5) / size));
  return waves;
}

/// Multiplies by exp of a sum of cosines, up to one wave along each side, scaled so that its greatest absolute value is
/// `peak`.
void apply_bias(std::span<float> image, int height, int width, const std::array<double, 8>& coefficients, double peak,
                float low) {
  const auto along_y = cosines(height), along_x = cosines(width);
  const auto rows = static_cast<std::size_t>(height), columns = static_cast<std::size_t>(width);
  std::vector<double> field(image.size());
  double greatest = 0;
  for (std::size_t y = 0; y < rows; ++y) {
    std::array<double, 3> row{};  // the field in this row, as a sum over waves along x
    for (std::size_t wave = 1; wave < 9; ++wave) row[wave % 3] += coefficients[wave - 1] * along_y[wave / 3][y];
    for (std::size_t x = 0; x < columns; ++x) {
      const double value = row[0] + row[1] * along_x[1][x] + row[2] * along_x[2][x];
      field[y * columns + x] = value;
      greatest = std::max(greatest, std::abs(value));
    }
  }
  if (greatest == 0) return;
  for (std::size_t i = 0; i < image.size(); ++i)
    image[i] = low + (image[i] - low) * static_cast<float>(std::exp(peak / greatest * field[i]));
}

}  // namespace

void move_slice(const SliceView& slice, const InPlaneMovement& movement) {
  const int width = slice.width, height = slice.height;
  const std::size_t pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  const std::vector<float> old_image(slice.image.begin(), slice.image.end());
  const std::vector<std::uint8_t> old_labels(slice.labels.begin(), slice.labels.end());
  const auto index = [width](int x, int y) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  };
  const auto inside = [=](int x, int y) { return x >= 0 && x < width && y >= 0 && y < height; };

  const double angle = movement.degrees * std::numbers::pi / 180, side = slice.pixel_mm[1] / slice.pixel_mm[0];
  const double cosine = std::cos(angle) / movement.zoom, sine = std::sin(angle) / movement.zoom;
  const double centre_x = (width - 1) / 2.0, centre_y = (height - 1) / 2.0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      // Where this pixel comes from: the inverse of the movement.
      const double u = x - centre_x - movement.shift_x, v = y - centre_y - movement.shift_y;
      const double from_x = cosine * u + sine * side * v + centre_x, from_y = -sine / side * u + cosine * v + centre_y;
      const int x0 = static_cast<int>(std::floor(from_x)), y0 = static_cast<int>(std::floor(from_y));
      const double fx = from_x - x0, fy = from_y - y0;
      for (std::size_t c = 0; c < slice.channels.size(); ++c) {
        const auto pixel = [&](int i, int j) {
          return inside(i, j) ? static_cast<double>(old_image[c * pixels + index(i, j)]) : slice.channels[c].low;
        };
        slice.image[c * pixels + index(x, y)] =
            static_cast<float>((1 - fy) * ((1 - fx) * pixel(x0, y0) + fx * pixel(x0 + 1, y0)) +
                               fy * ((1 - fx) * pixel(x0, y0 + 1) + fx * pixel(x0 + 1, y0 + 1)));
      }
      const int near_x = static_cast<int>(std::floor(from_x + 0.5)),
                near_y = static_cast<int>(std::floor(from_y + 0.5));
      slice.labels[index(x, y)] = inside(near_x, near_y) ? old_labels[index(near_x, near_y)] : std::uint8_t{0};
    }
}

Square place_square(std::span<const std::uint8_t> labels, int height, int width, int side, Random random) {
  int left = width, right = 0, top = height, bottom = 0;  // of the labelled pixels, ends excluded
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const std::uint8_t label =
          labels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
      if (label == 0 || label == kIgnored) continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = y + 1;
    }
  // Without a label left is width and right is 0: the range is then all of the side.
  const auto first_of = [&](int begin, int end, int size) {
    const int low = std::clamp(std::min(begin, end - side), 0, size - side);
    const int high = std::clamp(std::max(begin, end - side), 0, size - side);
    return low + static_cast<int>(random.below(static_cast<std::uint64_t>(high - low) + 1));
  };
  const int x = first_of(left, right, width);
  return {x, first_of(top, bottom, height), side};
}

void augment(const SliceView& slice, const AugmentationOptions& options, Random random) {
  const std::size_t pixels = static_cast<std::size_t>(slice.height) * static_cast<std::size_t>(slice.width);
  if (slice.image.size() != pixels * slice.channels.size() || slice.labels.size() != pixels)
    throw std::invalid_argument("augment: image and labels do not have height * width pixels");
  std::vector<Draws> draws;  // of all channels before any noise, of which there is as much as the options say
  for (std::size_t c = 0; c < slice.channels.size(); ++c) draws.push_back(draw(options, slice.pixel_mm, random));
  for (std::size_t c = 0; c < slice.channels.size(); ++c) {
    const ChannelIntensities& channel = slice.channels[c];
    const std::span<float> image = slice.image.subspan(c * pixels, pixels);
    const auto low = static_cast<float>(channel.low), range = static_cast<float>(channel.high - channel.low);
    const Draws& d = draws[c];
    if (c == 0 && (options.rotation > 0 || options.scale > 0 || options.translation_mm > 0))
      move_slice(slice, d.movement);
    if (options.gamma > 0 && range > 0)
      for (float& value : image)
        value = low + range * std::pow(std::max(value - low, 0.0F) / range, static_cast<float>(d.exponent));
    if (options.bias > 0) apply_bias(image, slice.height, slice.width, d.bias, d.bias_peak, low);
    if (options.intensity > 0)
      for (float& value : image) value = low + (value - low) * static_cast<float>(d.factor);
    if (options.noise > 0)
      for (float& value : image) value += static_cast<float>(d.noise_sd * channel.sd * random.normal());
  }
}

}  // namespace crossfade::data
