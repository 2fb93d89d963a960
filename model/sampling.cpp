#include "model/sampling.hpp"

#include <ATen/Parallel.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "model/kernel_dispatch.hpp"

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

/// Whether rows_of() finds its rows: all but the channels, which may be some of more, is channels-last.
bool has_rows(const torch::Tensor& x) {
  const std::int64_t pixel = x.stride(3);
  return x.is_cpu() && x.stride(1) == 1 && x.stride(2) == x.size(3) * pixel && x.stride(0) == x.size(2) * x.stride(2);
}

torch::Tensor with_rows(const torch::Tensor& x) {
  return has_rows(x) ? x : x.contiguous(kLast);
}

/// A gradient that nobody else holds may be written over.
torch::Tensor own_or_new(const torch::Tensor& gradient) {
  const bool own = gradient.use_count() == 1 && gradient.storage().use_count() == 1;
  return own ? gradient : torch::empty_like(gradient);
}

class Rectify : public torch::autograd::Function<Rectify> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x) {
    x.relu_();
    context->mark_dirty({x});
    context->save_for_backward({x});
    return x;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& outer) {
    const torch::Tensor y = context->get_saved_variables()[0];
    const torch::Tensor dx = outer[0].is_contiguous(kLast) ? own_or_new(outer[0]) : torch::empty_like(y);
    const torch::Tensor dy = outer[0].contiguous(kLast);
    with_kernels(y.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
      at::parallel_for(0, y.numel(), at::internal::GRAIN_SIZE, [&](std::int64_t begin, std::int64_t end) {
        kernels.rectifier_gradient(memory<T>(dy) + begin, memory<T>(y) + begin, end - begin, memory<T>(dx) + begin);
      });
    });
    return {dx};
  }
};

class Pool : public torch::autograd::Function<Pool> {
 public:
  static tensor_list forward(AutogradContext* context, const torch::Tensor& x, bool rectify) {
    const torch::Tensor half =
        torch::empty({x.size(0), x.size(1), x.size(2) / 2, x.size(3) / 2}, x.options().memory_format(kLast));
    with_kernels(x.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
      for_each_row(half, [&](std::int64_t n, Extent extent) {
        kernels.pool(rows_of<T>(x, n), rectify, extent, memory<T>(half) + n * extent.pixels * extent.channels);
      });
    });
    if (rectify) context->mark_dirty({x});
    context->save_for_backward({x});
    context->saved_data["rectify"] = rectify;
    return {x, half};
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& outer) {
    const torch::Tensor x = context->get_saved_variables()[0];
    const bool rectify = context->saved_data["rectify"].toBool();
    const torch::Tensor d_full = with_rows(outer[0]), d_half = outer[1].contiguous(kLast), dx = torch::empty_like(x);
    with_kernels(x.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
      for_each_row(d_half, [&](std::int64_t n, Extent extent) {
        kernels.pool_gradient(rows_of<const T>(x, n), rectify, memory<T>(d_half) + n * extent.pixels * extent.channels,
                              rows_of<const T>(d_full, n), extent, rows_of<T>(dx, n));
      });
    });
    return {dx, {}};
  }
};

/// z holds for each pixel its four of twice the resolution, [n, H, W, 4, C].
class Spread : public torch::autograd::Function<Spread> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& skip, const torch::Tensor& z,
                               const torch::Tensor& bias) {
    const std::int64_t skips = skip.size(1), channels = z.size(4);
    context->saved_data["skips"] = skips;
    context->saved_data["type"] = bias.scalar_type();
    const torch::Tensor result =
        torch::empty({skip.size(0), skips + channels, skip.size(2), skip.size(3)}, skip.options().memory_format(kLast));
    result.narrow(1, 0, skips).copy_(skip);
    const torch::Tensor up = result.narrow(1, skips, channels), plus = bias.to(arithmetic_type(z)).contiguous();
    with_kernels(z.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
      for_each_row(pixels_of(z), [&](std::int64_t n, Extent extent) {
        kernels.spread(memory<T>(z) + n * extent.pixels * 4 * channels, memory<data::Arithmetic<T>>(plus), extent,
                       rows_of<T>(up, n));
      });
    });
    return result;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& outer) {
    const torch::Tensor gradient = with_rows(outer[0]);
    const std::int64_t skips = context->saved_data["skips"].toInt(), channels = gradient.size(1) - skips;
    const torch::Tensor up = gradient.narrow(1, skips, channels);
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
    return {gradient.narrow(1, 0, skips), dz, sums.sum(0).to(context->saved_data["type"].toScalarType())};
  }

 private:
  /// [n, C, H, W] of the first of the four.
  static torch::Tensor pixels_of(const torch::Tensor& z) { return z.select(3, 0).permute({0, 3, 1, 2}); }
};

/// Pixels as rows [n·H·W, C] of the same memory.
torch::Tensor pixel_rows(const torch::Tensor& x) {
  return x.permute({0, 2, 3, 1}).reshape({-1, x.size(1)});
}

}  // namespace

torch::Tensor rectify(const torch::Tensor& x) {
  return takes_kernels(x) && torch::GradMode::is_enabled() ? Rectify::apply(x) : x.relu_();
}

Pooled pool(const torch::Tensor& x, bool rectify) {
  if (takes_kernels(x)) {
    const tensor_list both = Pool::apply(x, rectify);
    return {both[0], both[1]};
  }
  const torch::Tensor full = rectify ? x.relu_() : x;
  return {full, torch::max_pool2d(full, 2)};
}

torch::Tensor join_up(const torch::Tensor& skip, const torch::Tensor& below, const torch::Tensor& weight,
                      const torch::Tensor& bias) {
  if (!takes_kernels(skip) || !takes_kernels(below))
    return torch::cat({skip, torch::conv_transpose2d(below, weight, bias, /*stride=*/2)}, 1);
  // A product of matrices, [pixels, D] by [D, 4·C]: each pixel below gives 2 × 2 above that no other gives to.
  const torch::Tensor matrix = weight.permute({0, 2, 3, 1}).reshape({weight.size(0), -1});
  const torch::Tensor z = torch::mm(pixel_rows(below), matrix);
  return Spread::apply(skip, z.view({below.size(0), below.size(2), below.size(3), 4, weight.size(1)}), bias);
}

torch::Tensor convolve_pixels(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  if (!takes_kernels(x)) return torch::conv2d(x, weight, bias);
  const torch::Tensor y = torch::linear(pixel_rows(x), weight.flatten(1), bias);
  return y.view({x.size(0), x.size(2), x.size(3), weight.size(0)}).permute({0, 3, 1, 2});
}

}  // namespace crossfade::model
