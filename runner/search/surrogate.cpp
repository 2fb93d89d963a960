#include "runner/search/surrogate.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "runner/search/sobol.hpp"

namespace crossfade::runner {
namespace {

constexpr std::size_t kDraws = 256;  // from the prior
constexpr std::int64_t kKept = 32;   // of them, the likeliest
constexpr double kLeastWeight = 1e-3;
constexpr double kLength = 0.4, kLengthSpread = 0.8;
constexpr double kNoise = 0.01, kNoiseSpread = 1.5;
constexpr double kJitter = 1e-8;

at::Tensor tensor_of(const std::vector<std::vector<double>>& rows, std::size_t columns) {
  at::Tensor tensor =
      at::empty({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(columns)}, at::kDouble);
  double* values = tensor.mutable_data_ptr<double>();
  for (const std::vector<double>& row : rows) values = std::copy(row.begin(), row.end(), values);
  return tensor;
}

/// Of points that are divided by their lengths already.
at::Tensor matern(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor distance =
      std::sqrt(5.0) * at::cdist(a, b, 2, 1);  // 1: by differences, exact where points are close
  return (1 + distance + distance * distance / 3) * at::exp(-distance);
}

/// Lengths, and last the noise as a part of the signal's variance; a row a draw.
at::Tensor draw_parameters(std::size_t coordinates) {
  auto points = sobol_points(coordinates + 1, kDraws + 1, 0);
  points.erase(points.begin());  // 0, of which the normal quantile is infinite
  const at::Tensor normal = at::special_ndtri(tensor_of(points, coordinates + 1));
  at::Tensor parameters = kLength * at::exp(kLengthSpread * normal);
  parameters.select(1, -1).copy_(kNoise * at::exp(kNoiseSpread * normal.select(1, -1)));
  return parameters;
}

/// Processes with the draws of parameters, a row each, given points and their standardised scores.
struct Processes {
  at::Tensor lengths;         // draw, coordinate
  at::Tensor points;          // draw, point, coordinate: over the lengths
  at::Tensor factor, solved;  // of the kernel: Cholesky; inverse * y
  at::Tensor variance;        // draw: of the signal
  at::Tensor log_likelihood;  // draw: but for a constant

  Processes(const at::Tensor& tried, const at::Tensor& y, const at::Tensor& parameters)
      : lengths(parameters.slice(1, 0, -1)), points(tried.unsqueeze(0) / lengths.unsqueeze(1)) {
    const std::int64_t n = y.size(0);
    const at::Tensor noise = parameters.select(1, -1).reshape({-1, 1, 1}) + kJitter;
    factor = at::linalg_cholesky(matern(points, points) + noise * at::eye(n, at::kDouble));
    solved = at::cholesky_solve(y.reshape({1, n, 1}).expand({lengths.size(0), n, 1}), factor).squeeze(2);
    variance = at::clamp_min((y * solved).sum(1) / static_cast<double>(n), 1e-12);
    log_likelihood = -static_cast<double>(n) / 2 * variance.log() - factor.diagonal(0, 1, 2).log().sum(1);
  }

  struct Prediction {
    at::Tensor mean, deviation;
  };
  Prediction predict(std::int64_t draw, const at::Tensor& at) const {
    const at::Tensor kernel = matern(points[draw], at / lengths[draw]);
    const at::Tensor explained = (kernel * at::cholesky_solve(kernel, factor[draw])).sum(0);
    return {at::mv(kernel.t(), solved[draw]), at::sqrt(variance[draw] * at::clamp_min(1 - explained, 1e-12))};
  }
};

/// The matrices are too small for threads to share: on a busy machine these wait far longer than they work.
class OneThread {
 public:
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = at::get_num_threads();
};

at::Tensor expected_improvement(const Processes::Prediction& of, double best) {
  const at::Tensor gain = of.mean - best, z = gain / of.deviation;
  const at::Tensor density = at::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  return at::clamp_min(gain * at::special_ndtr(z) + of.deviation * density, 0);
}

}  // namespace

std::vector<Expectation> expect(const std::vector<std::vector<double>>& tried, const std::vector<double>& scores,
                                const std::vector<std::vector<double>>& others) {
  const at::NoGradGuard no_gradients;
  const OneThread one_thread;
  const std::size_t coordinates = tried.front().size();
  const at::Tensor x = tensor_of(tried, coordinates), z = tensor_of(others, coordinates);
  at::Tensor y = at::empty({x.size(0)}, at::kDouble);
  std::copy(scores.begin(), scores.end(), y.mutable_data_ptr<double>());
  const double centre = y.mean().item<double>(), spread = y.std(false).item<double>();
  const double scale = spread > 0 ? spread : 1;
  y = (y - centre) / scale;

  const Processes processes(x, y, draw_parameters(coordinates));
  at::Tensor improvement = at::zeros({z.size(0)}, at::kDouble), mean = at::zeros({z.size(0)}, at::kDouble);
  double weights = 0;
  const auto [likelihoods, draws] = at::topk(processes.log_likelihood, kKept);
  for (std::int64_t k = 0; k < kKept; ++k) {
    const double weight = std::exp((likelihoods[k] - likelihoods[0]).item<double>());
    if (weight < kLeastWeight) break;
    const std::int64_t draw = draws[k].item<std::int64_t>();
    const double best = processes.predict(draw, x).mean.max().item<double>();
    const Processes::Prediction prediction = processes.predict(draw, z);
    improvement += weight * expected_improvement(prediction, best);
    mean += weight * prediction.mean;
    weights += weight;
  }
  std::vector<Expectation> expectations;
  for (std::int64_t i = 0; i < z.size(0); ++i)
    expectations.push_back(
        {improvement[i].item<double>() / weights * scale, mean[i].item<double>() / weights * scale + centre});
  return expectations;
}

}  // namespace crossfade::runner
