// Light augmentation of training slices, seeded per slice and epoch.
#pragma once

#include <cstdint>
#include <span>

#include "data/random.hpp"

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

/// Moves one slice in place: `image` bilinearly, `labels` to the nearest pixel; what comes from outside is 0.
void move_slice(std::span<float> image, std::span<std::uint8_t> labels, int height, int width,
                const InPlaneMovement& movement);

/// A square of `side` pixels within a slice.
struct Square {
  int x = 0, y = 0;  // of its first column and row
  int side = 0;
};

/// A square at a random place that holds all labelled pixels (class above 0) where they fit, and lies among them where
/// they don't. `labels` [H, W]; `side` is at most H and W.
Square place_square(std::span<const std::uint8_t> labels, int height, int width, int side, Random random);

/// Augments one slice in place: moves it, then gamma, bias field, scale of intensities, noise. `image` [H, W] holds
/// raw intensities 0..255 as float, `labels` [H, W] classes; pixels from outside are 0. Noise is in units of `sd`.
/// Nothing is touched where all options are 0, and each option's draws are the same whichever others are on.
void augment(std::span<float> image, std::span<std::uint8_t> labels, int height, int width, double pixel_mm, double sd,
             const AugmentationOptions& options, Random random);

}  // namespace crossfade::data
