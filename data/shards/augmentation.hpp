// Light augmentation of training slices, seeded per slice and epoch.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "data/random.hpp"
#include "data/shards/channel_intensities.hpp"

namespace crossfade::data {

/// All off by default; each is the half-width or standard deviation of a draw per slice.
struct AugmentationOptions {
  double intensity = 0;       // multiplies the image by 1 +- this
  double gamma = 0;           // exponent exp(+- this) on intensities scaled to [0, 1]
  double bias = 0;            // peak of a smooth log bias field
  double noise = 0;           // up to this sd of Gaussian noise, in units of the normalised image
  double rotation = 0;        // +- degrees
  double scale = 0;           // zoom by 1 +- this
  double translation_mm = 0;  // +- mm
};

template <class Visitor>
void describe(Visitor& visit, AugmentationOptions& a) {
  visit.number("intensity", a.intensity, 0, 1, "intensities times 1 +- this");
  visit.number("gamma", a.gamma, 0, 2, "exponent exp(+- this) on intensities scaled to [0, 1]");
  visit.number("bias", a.bias, 0, 2, "peak of a smooth log bias field");
  visit.number("noise", a.noise, 0, 2,
               "up to this standard deviation of Gaussian noise, in standard deviations of the volume");
  visit.number("rotation", a.rotation, 0, 180, "in-plane rotation, +- degrees");
  visit.number("scale", a.scale, 0, 0.9, "zoom by 1 +- this");
  visit.number("translation_mm", a.translation_mm, 0, 64, "in-plane shift, +- mm");
}

/// A movement within the plane about the centre of the image: turn (from +x to +y), zoom, then shift in pixels.
struct InPlaneMovement {
  double degrees = 0;
  double zoom = 1;
  double shift_x = 0, shift_y = 0;
};

/// A slice and what its numbers mean.
struct SliceView {
  std::span<float> image;          // [C, H, W], stored intensities
  std::span<std::uint8_t> labels;  // [H, W]: classes, or kIgnored
  int height = 0, width = 0;
  std::array<double, 2> pixel_mm{1, 1};          // along W, along H
  std::span<const ChannelIntensities> channels;  // C
};

/// Moves one slice in place: the image bilinearly, labels to the nearest pixel; what comes from outside is each
/// channel's `low`, and class 0. Angles are those in space, also where pixels are no squares.
void move_slice(const SliceView& slice, const InPlaneMovement& movement);

/// A square of `side` pixels within a slice.
struct Square {
  int x = 0, y = 0;  // of its first column and row
  int side = 0;
};

/// A square at a random place that holds all labelled pixels (class above 0) where they fit, and lies among them where
/// they don't. `labels` [H, W]; `side` is at most H and W.
Square place_square(std::span<const std::uint8_t> labels, int height, int width, int side, Random random);

/// Augments one slice in place: moves it, then gamma, bias field, scale of intensities, noise. gamma, bias and
/// intensity work on what a value is above the channel's `low`, so that what stands for nothing stays what it is; gamma
/// takes `low` to `high` as 0 to 1. Noise is in units of the channel's sd. The movement is the same for all channels,
/// all else is drawn for each. Nothing is touched where all options are 0, and each option's draws are the same
/// whichever others are on. Throws std::invalid_argument for buffers of other sizes.
void augment(const SliceView& slice, const AugmentationOptions& options, Random random);

}  // namespace crossfade::data
