#include "model/sampling.hpp"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

#include "model/channel_pass.hpp"
#include "model/kernel_dispatch.hpp"

#ifndef _OPENMP
#error "at::parallel_for would run on one thread: name this file in crossfade_parallel()"
#endif

namespace crossfade::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr auto kLast = torch::MemoryFormat::ChannelsLast;

/// Runs body(n, extent) for the n-th row of `half`, all images one after the other, in parallel.
template <class Body>
void for_each_row(const torch::Tensor& half, const Body& body) {
  const std::int64_t width = half.size(3);
  at::parallel_for(0, half.size(0) * half.size(2), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) body(row, Extent{width, half.size(1)});
  });
}

/// The two rows of `full` that the n-th row of a tensor of half its resolution belongs to.
template <class T>
RowPair<T> rows_of(const torch::Tensor& full, std::int64_t n) {
  const std::int64_t stride = full.stride(3), row = full.size(3) * stride;
  T* const upper = memory<std::remove_const_t<T>>(full) + 2 * n * row;
  return {upper, upper + row, stride};
}

/// Its n-th row, of the images one after the other.
template <class T>
T* row_of(const torch::Tensor& half, std::int64_t n) {
  return memory<T>(half) + n * half.size(3) * half.size(1);
}

/// Whether rows_of() finds its rows: all but the channels, which may be some of more, is channels-last.
bool has_rows(const torch::Tensor& x) {
  const std::int64_t pixel = x.stride(3);
  return x.is_cpu() && x.stride(1) == 1 && x.stride(2) == x.size(3) * pixel && x.stride(0) == x.size(2) * x.stride(2);
}

torch::Tensor with_rows(const torch::Tensor& x) {
  return has_rows(x) ? x : x.contiguous(kLast);
}

/// dx = dy where y is above 0, else 0. All lie alike in memory; dx may be y or dy.
void write_rectifier_gradient(const torch::Tensor& dy, const torch::Tensor& y, const torch::Tensor& dx) {
  with_kernels(y.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
    at::parallel_for(0, y.numel(), at::internal::GRAIN_SIZE, [&](std::int64_t begin, std::int64_t end) {
      kernels.rectifier_gradient(memory<T>(dy) + begin, memory<T>(y) + begin, end - begin, memory<T>(dx) + begin);
    });
  });
}

/// x = max(0, x), NaN staying NaN, in place.
void write_rectified(const torch::Tensor& x) {
  if (!takes_kernels(x)) {
    x.relu_();
    return;
  }
  write_rectifier_gradient(x, x, x);  // which of x itself is the same, and faster than ATen's own
  x.unsafeGetTensorImpl()->bump_version();
}

class Rectify : public torch::autograd::Function<Rectify> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x) {
    write_rectified(x);
    context->mark_dirty({x});
    context->save_for_backward({x});
    return x;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& outer) {
    const torch::Tensor y = context->get_saved_variables()[0];
    const auto [dy, own] = incoming(outer[0], kLast);
    const torch::Tensor dx = own ? dy : torch::empty_like(dy);
    write_rectifier_gradient(dy, y, dx);
    return {dx};
  }
};

class Pool : public torch::autograd::Function<Pool> {
 public:
  static tensor_list forward(AutogradContext* context, const torch::Tensor& x, bool rectify, std::int64_t room) {
    const auto options = x.options().memory_format(kLast);
    const torch::Tensor full = torch::empty({x.size(0), x.size(1) + room, x.size(2), x.size(3)}, options),
                        half = torch::empty({x.size(0), x.size(1), x.size(2) / 2, x.size(3) / 2}, options);
    with_kernels(x.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
      for_each_row(half, [&](std::int64_t n, Extent extent) {
        kernels.pool(rows_of<const T>(x, n), rectify, extent, rows_of<T>(full, n), row_of<T>(half, n));
      });
    });
    context->save_for_backward({full});
    context->saved_data["channels"] = x.size(1);
    context->saved_data["rectify"] = rectify;
    return {full, half};
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& outer) {
    const torch::Tensor full = context->get_saved_variables()[0];
    const bool rectify = context->saved_data["rectify"].toBool();
    const std::int64_t channels = context->saved_data["channels"].toInt();
    const bool in_room = outer[0].is_alias_of(full);  // where join_up() leaves it
    const torch::Tensor d_full = in_room ? outer[0].narrow(1, channels, channels) : with_rows(outer[0]),
                        d_half = outer[1].contiguous(kLast);
    const torch::Tensor dx =
        torch::empty({full.size(0), channels, full.size(2), full.size(3)}, full.options().memory_format(kLast));
    with_kernels(dx.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
      for_each_row(d_half, [&](std::int64_t n, Extent extent) {
        kernels.pool_gradient(rows_of<const T>(full, n), rectify, row_of<T>(d_half, n), rows_of<const T>(d_full, n),
                              extent, rows_of<T>(dx, n));
      });
    });
    return {dx, {}, {}};
  }
};

/// Fills what `skip` has room for. z holds for each pixel its four of twice the resolution, [n, H, W, 4, C].
class Spread : public torch::autograd::Function<Spread> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& skip, const torch::Tensor& z,
                               const torch::Tensor& bias) {
    const std::int64_t channels = z.size(4);
    context->saved_data["channels"] = channels;
    context->saved_data["type"] = bias.scalar_type();
    const torch::Tensor up = skip.narrow(1, skip.size(1) - channels, channels);
    const torch::Tensor plus = bias.to(arithmetic_type(z)).contiguous();
    with_kernels(z.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
      for_each_row(pixels_of(z), [&](std::int64_t n, Extent extent) {
        kernels.spread(memory<T>(z) + n * extent.pixels * 4 * channels, memory<data::Arithmetic<T>>(plus), extent,
                       rows_of<T>(up, n));
      });
    });
    const torch::Tensor joined = skip.variable_data();  // a version of its own: what the pooling keeps of it stands
    context->save_for_backward({joined});
    return joined;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& outer) {
    const torch::Tensor gradient = with_rows(outer[0]);
    const std::int64_t channels = context->saved_data["channels"].toInt(), skipped = gradient.size(1) - channels;
    const torch::Tensor up = gradient.narrow(1, skipped, channels);
    const torch::Tensor dz =
        torch::empty({up.size(0), up.size(2) / 2, up.size(3) / 2, 4, channels}, gradient.options());
    const torch::Tensor rows = pixels_of(dz);
    // A line of sums for each row, added up in order: threads do not change the result.
    const torch::Tensor sums = torch::zeros({rows.size(0) * rows.size(2), channels}, torch::kFloat64);
    with_kernels(dz.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
      for_each_row(rows, [&](std::int64_t n, Extent extent) {
        kernels.gather(rows_of<const T>(up, n), extent, memory<T>(dz) + n * extent.pixels * 4 * channels,
                       memory<double>(sums) + n * channels);
      });
    });
    const torch::Tensor d_bias = sums.sum(0).to(context->saved_data["type"].toScalarType());
    if (skipped > channels) return {gradient, dz, d_bias};
    // What came up has been used for the last time: the skip's gradient waits there, and that of both together ends.
    const torch::Tensor joined = context->get_saved_variables()[0].detach();
    joined.narrow(1, skipped, skipped).copy_(gradient.narrow(1, 0, skipped));
    return {joined, dz, d_bias};
  }

 private:
  /// [n, C, H, W] of the first of the four.
  static torch::Tensor pixels_of(const torch::Tensor& z) { return z.select(3, 0).permute({0, 3, 1, 2}); }
};

/// Pixels as rows [n·H·W, C] of the same memory.
torch::Tensor pixel_rows(const torch::Tensor& x) {
  return x.permute({0, 2, 3, 1}).reshape({-1, x.size(1)});
}

class ConvolvePixels : public torch::autograd::Function<ConvolvePixels> {
 public:
  /// `x` is input.values, whose gradient this returns.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const Activation& input, bool rectify,
                               const torch::Tensor& weight, const torch::Tensor& bias) {
    if (rectify) write_rectified(x);
    const torch::Tensor matrix = weight.flatten(1).to(x.scalar_type());
    save(context, input, matrix);
    context->saved_data["rectify"] = rectify;
    context->saved_data["type"] = weight.scalar_type();
    context->saved_data["strides"] = weight.strides();
    const torch::Tensor y = torch::addmm(bias.to(x.scalar_type()), pixel_rows(x), matrix.t());
    return y.view({x.size(0), x.size(2), x.size(3), weight.size(0)}).permute({0, 3, 1, 2});
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& outer) {
    const auto [x, matrix] = restore(context);
    const torch::Tensor dy = outer[0].contiguous(kLast), rows = pixel_rows(dy);
    const auto type = context->saved_data["type"].toScalarType();
    // With the weight's own strides, of the sides of 1 as well: the Reducer compares them all, and warns.
    const torch::Tensor d_weight =
        torch::mm(rows.t(), pixel_rows(x))
            .to(type)
            .as_strided({dy.size(1), x.size(1), 1, 1}, context->saved_data["strides"].toIntVector());
    const torch::Tensor d_bias = channel_sums(dy, dy)[0].to(type);
    if (!context->saved_data["rectify"].toBool()) {
      const torch::Tensor dx = torch::mm(rows, matrix).view({x.size(0), x.size(2), x.size(3), x.size(1)});
      return {dx.permute({0, 3, 1, 2}), {}, {}, d_weight, d_bias};
    }
    write_gradient(rows, matrix, pixel_rows(x));
    x.unsafeGetTensorImpl()->bump_version();  // so that a second backward() is refused
    return {x.detach(), {}, {}, d_weight, d_bias};
  }

 private:
  // Pixels whose gradient stays in the cache between the product and what 0 does to it.
  static constexpr std::int64_t kBlock = 4096;

  /// x becomes dy · matrix where x is above 0, else 0.
  static void write_gradient(const torch::Tensor& dy, const torch::Tensor& matrix, const torch::Tensor& x) {
    for (std::int64_t first = 0; first < x.size(0); first += kBlock) {
      const std::int64_t count = std::min(kBlock, x.size(0) - first);
      const torch::Tensor of = x.narrow(0, first, count);
      write_rectifier_gradient(torch::mm(dy.narrow(0, first, count), matrix), of, of);
    }
  }
};

}  // namespace

torch::Tensor rectify(const torch::Tensor& x) {
  if (takes_kernels(x) && torch::GradMode::is_enabled()) return Rectify::apply(x);
  write_rectified(x);
  return x;
}

Pooled pool(const torch::Tensor& x, bool rectify, std::int64_t room) {
  const std::int64_t channels = x.size(1);
  if (takes_kernels(x)) {
    const tensor_list both = Pool::apply(x, rectify, room);
    return {{both[0], channels}, both[1]};
  }
  const torch::Tensor full = rectify ? x.relu_() : x;
  return {{full, channels}, torch::max_pool2d(full, 2)};
}

torch::Tensor join_up(const Skip& skip, const torch::Tensor& below, const torch::Tensor& weight,
                      const torch::Tensor& bias) {
  const bool has_room = skip.memory.size(1) == skip.channels + weight.size(1);
  if (!has_room || !takes_kernels(skip.memory) || !takes_kernels(below))
    return torch::cat({skip.pixels(), torch::conv_transpose2d(below, weight, bias, /*stride=*/2)}, 1);
  // A product of matrices, [pixels, D] by [D, 4·C]: each pixel below gives 2 × 2 above that no other gives to.
  const torch::Tensor matrix = weight.permute({0, 2, 3, 1}).reshape({weight.size(0), -1});
  const torch::Tensor z = torch::mm(pixel_rows(below), matrix);
  return Spread::apply(skip.memory, z.view({below.size(0), below.size(2), below.size(3), 4, weight.size(1)}), bias);
}

torch::Tensor convolve_pixels(const Activation& input, bool rectify, const torch::Tensor& weight,
                              const torch::Tensor& bias) {
  const torch::Tensor& x = input.values;
  if (!takes_kernels(x)) return torch::conv2d(rectify ? x.relu_() : x, weight, bias);
  // What autocast would do to a convolution's input; it does not look into functions of ours.
  const bool autocast = at::autocast::is_autocast_enabled(at::kCPU);
  const torch::Tensor cast = autocast ? x.to(at::autocast::get_autocast_dtype(at::kCPU)) : x;
  return ConvolvePixels::apply(cast, cast.is_same(x) ? input : Activation{cast}, rectify, weight, bias);
}

torch::Tensor largest_channel(const torch::Tensor& x) {
  if (!takes_kernels(x)) return x.argmax(1).to(torch::kByte);
  const torch::Tensor channels = torch::empty({x.size(0), x.size(2), x.size(3)}, torch::kByte);
  with_kernels(x.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
    const std::int64_t of_pixel = x.size(1);
    at::parallel_for(0, channels.numel(), at::internal::GRAIN_SIZE / of_pixel,
                     [&](std::int64_t begin, std::int64_t end) {
                       kernels.largest(memory<T>(x) + begin * of_pixel, {end - begin, of_pixel},
                                       memory<std::uint8_t>(channels) + begin);
                     });
  });
  return channels;
}

}  // namespace crossfade::model
