#include "data/shards/loader.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "data/hash.hpp"
#include "data/shards/intensity.hpp"

namespace crossfade::data {
namespace {

/// What the background threads need to know of an epoch; never changed once begun, so that a thread may go on with the
/// batch at hand while the next epoch begins.
struct Epoch {
  std::uint32_t number = 0;
  std::vector<std::uint32_t> order;  // of positions in the list of slices
};

/// A batch, or why there is none.
struct Outcome {
  Batch batch;
  std::exception_ptr error;
};

std::vector<std::uint32_t> order_of(std::size_t slices, const LoaderOptions& options, std::uint32_t epoch) {
  std::vector<std::uint32_t> order(slices);
  for (std::size_t i = 0; i < slices; ++i) order[i] = static_cast<std::uint32_t>(i);
  Random random(options.seed, Purpose::kPermutation, options.stage, epoch);
  for (std::size_t i = slices; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

}  // namespace

std::vector<SliceRef> training_slices(const std::vector<Shard>& shards, std::uint64_t seed, LabelKind kind,
                                      ScanRange range) {
  std::vector<SliceRef> slices;
  for (std::size_t s = 0; s < shards.size(); ++s) {
    const ShardInfo& info = shards[s].info();
    for (std::size_t scan = 0; scan < info.scans.size(); ++scan) {
      if (!range.contains(static_cast<int>(scan))) continue;
      std::vector<bool> chosen = shards[s].labelled_slices(static_cast<int>(scan), kind);
      std::vector<std::size_t> rest;
      for (std::size_t i = 0; i < chosen.size(); ++i)
        if (!chosen[i]) rest.push_back(i);
      Random random(seed, Purpose::kSliceSelection, subject_key(info.subject), static_cast<std::uint32_t>(scan));
      // Of few, none or one, so that it is a tenth over many scans: a picture is one slice.
      const std::size_t tenth = rest.size() >= 5 ? (rest.size() + 5) / 10 : random.below(10) < rest.size() ? 1 : 0;
      for (std::size_t i = 0; i < tenth; ++i) {
        std::swap(rest[i], rest[i + random.below(rest.size() - i)]);
        chosen[rest[i]] = true;
      }
      for (std::size_t i = 0; i < chosen.size(); ++i)
        if (chosen[i]) slices.push_back({static_cast<int>(s), static_cast<int>(scan * chosen.size() + i)});
    }
  }
  return slices;
}

int steps_per_epoch(std::size_t slices, int batch) {
  const auto size = static_cast<std::size_t>(batch);
  return static_cast<int>((slices + size - 1) / size);
}

Part part_of(int count, int rank, int ranks) {
  const int each = count / ranks, extra = count % ranks;
  return {rank * each + std::min(rank, extra), each + (rank < extra ? 1 : 0)};
}

struct Loader::State {
  const std::vector<Shard>& shards;
  const std::vector<SliceRef> slices;
  const LoaderOptions options;
  const int steps;

  std::mutex mutex;               // guards what follows
  std::condition_variable work;   // a batch may be made, or the loader ends
  std::condition_variable ready;  // a batch is there
  std::shared_ptr<const Epoch> epoch;
  int to_make = 0;   // the next batch that a thread takes
  int to_serve = 0;  // the next batch that next() returns
  std::map<int, Outcome> made;
  bool ending = false;
  std::vector<std::jthread> threads;

  State(const std::vector<Shard>& all, std::vector<SliceRef> refs, LoaderOptions o)
      : shards(all), slices(std::move(refs)), options(o), steps(check()), to_make(steps), to_serve(steps) {}
  ~State() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    work.notify_all();  // the threads are joined as they go, before all else
  }

  int check() const;
  bool cuts() const { return options.crop > 0; }
  Batch make(const Epoch& of, int step) const;
  void load(const SliceRef& ref, const Epoch& of, std::uint32_t position, std::span<float> image,
            std::span<std::uint8_t> labels) const;
  void run();
};

/// Number of steps, after a look at the arguments.
int Loader::State::check() const {
  if (options.batch < 1 || options.ranks < 1 || options.rank < 0 || options.rank >= options.ranks)
    throw std::invalid_argument("loader: batch " + std::to_string(options.batch) + ", rank " +
                                std::to_string(options.rank) + " of " + std::to_string(options.ranks));
  for (const SliceRef& ref : slices) {
    if (ref.shard < 0 || ref.shard >= static_cast<int>(shards.size()) || ref.slice < 0 ||
        ref.slice >= shards[static_cast<std::size_t>(ref.shard)].info().slices())
      throw std::invalid_argument("loader: there is no slice " + std::to_string(ref.slice) + " in shard " +
                                  std::to_string(ref.shard));
  }
  for (std::size_t s = 1; s < shards.size(); ++s) require_siblings(shards[0], shards[s]);
  if (options.crop < 0 ||
      (!shards.empty() && options.crop > std::min(shards[0].info().width(), shards[0].info().height())))
    throw std::invalid_argument("loader: squares of side " + std::to_string(options.crop) +
                                " do not fit in the slices");
  return steps_per_epoch(slices.size(), options.batch);
}

void Loader::State::load(const SliceRef& ref, const Epoch& of, std::uint32_t position, std::span<float> image,
                         std::span<std::uint8_t> labels) const {
  const Shard& shard = shards[static_cast<std::size_t>(ref.shard)];
  const ShardInfo& info = shard.info();
  const std::size_t width = static_cast<std::size_t>(info.width()),
                    pixels = width * static_cast<std::size_t>(info.height());
  // No cache of slices: reading one takes 0.1 ms at 128 x 128 and 0.3 ms at 256 x 256, on CPUs under 1 % of a step.
  std::vector<float> whole(pixels * info.channels.size());
  std::vector<std::uint8_t> whole_labels(pixels);
  shard.read_values(ref.slice, 1, whole);
  shard.read(ref.slice, 1, {}, whole_labels, options.labels);
  const int scan = ref.slice / info.slices_per_scan();
  const std::array<double, 3> spacing = info.grid.spacing();
  augment({whole,
           whole_labels,
           info.height(),
           info.width(),
           {spacing[0], spacing[1]},
           info.scans[static_cast<std::size_t>(scan)].channels},
          options.augmentation, Random(options.seed, Purpose::kAugmentation, options.stage, of.number, position));
  standardise(whole, shard.standards(scan));
  if (!cuts()) {
    std::copy(whole.begin(), whole.end(), image.begin());
    std::copy(whole_labels.begin(), whole_labels.end(), labels.begin());
    return;
  }
  const Square square = place_square(whole_labels, info.height(), info.width(), options.crop,
                                     Random(options.seed, Purpose::kCrop, options.stage, of.number, position));
  const auto side = static_cast<std::size_t>(square.side);
  for (std::size_t row = 0; row < side; ++row) {
    const std::size_t from = (static_cast<std::size_t>(square.y) + row) * width + static_cast<std::size_t>(square.x);
    for (std::size_t c = 0; c < info.channels.size(); ++c)
      std::copy_n(whole.begin() + static_cast<std::ptrdiff_t>(c * pixels + from), side,
                  image.begin() + static_cast<std::ptrdiff_t>((c * side + row) * side));
    std::copy_n(whole_labels.begin() + static_cast<std::ptrdiff_t>(from), side,
                labels.begin() + static_cast<std::ptrdiff_t>(row * side));
  }
}

Batch Loader::State::make(const Epoch& of, int step) const {
  const int begin = step * options.batch;
  Batch batch;
  batch.global_count = std::min(options.batch, static_cast<int>(slices.size()) - begin);
  const Part part = part_of(batch.global_count, options.rank, options.ranks);
  batch.count = part.count;
  batch.height = cuts() ? options.crop : shards[0].info().height();
  batch.width = cuts() ? options.crop : shards[0].info().width();
  const std::size_t pixels = static_cast<std::size_t>(batch.height) * static_cast<std::size_t>(batch.width);
  batch.channels = shards[0].info().channel_count();
  batch.ignores = shards[0].may_ignore();
  const std::size_t values = pixels * static_cast<std::size_t>(batch.channels);
  batch.images.resize(static_cast<std::size_t>(part.count) * values);
  batch.labels.resize(static_cast<std::size_t>(part.count) * pixels);
  for (int i = 0; i < part.count; ++i) {
    const std::uint32_t position = of.order[static_cast<std::size_t>(begin + part.first + i)];
    const auto item = static_cast<std::size_t>(i);
    load(slices[position], of, position, std::span(batch.images).subspan(item * values, values),
         std::span(batch.labels).subspan(item * pixels, pixels));
  }
  return batch;
}

void Loader::State::run() {
  std::unique_lock lock(mutex);
  while (true) {
    work.wait(lock, [&] { return ending || (to_make < steps && to_make < to_serve + std::max(options.prefetch, 1)); });
    if (ending) return;
    const int step = to_make++;
    const std::shared_ptr<const Epoch> of = epoch;
    lock.unlock();
    Outcome outcome;
    try {
      outcome.batch = make(*of, step);
    } catch (...) {
      outcome.error = std::current_exception();
    }
    lock.lock();
    if (of != epoch) continue;  // start() has begun another epoch meanwhile
    made.emplace(step, std::move(outcome));
    ready.notify_all();
  }
}

Loader::Loader(const std::vector<Shard>& shards, std::vector<SliceRef> slices, LoaderOptions options)
    : state_(std::make_unique<State>(shards, std::move(slices), options)) {
  for (int t = 0; t < std::max(options.threads, 1); ++t) state_->threads.emplace_back([s = state_.get()] { s->run(); });
}

Loader::~Loader() = default;

int Loader::steps() const {
  return state_->steps;
}

void Loader::start(std::uint32_t epoch, int first_step) {
  if (first_step < 0 || first_step > state_->steps)
    throw std::invalid_argument("loader: an epoch of " + std::to_string(state_->steps) + " steps cannot begin at " +
                                std::to_string(first_step));
  auto begun = std::make_shared<const Epoch>(Epoch{epoch, order_of(state_->slices.size(), state_->options, epoch)});
  {
    const std::lock_guard lock(state_->mutex);
    state_->epoch = std::move(begun);
    state_->made.clear();
    state_->to_make = state_->to_serve = first_step;
  }
  state_->work.notify_all();
}

std::optional<Batch> Loader::next() {
  std::unique_lock lock(state_->mutex);
  if (state_->to_serve == state_->steps) return std::nullopt;
  const int step = state_->to_serve;
  state_->ready.wait(lock, [&] { return state_->made.contains(step); });
  Outcome& outcome = state_->made.at(step);
  if (outcome.error) std::rethrow_exception(outcome.error);  // stays: every later call throws it, too
  Batch batch = std::move(outcome.batch);
  state_->made.erase(step);
  ++state_->to_serve;
  lock.unlock();
  state_->work.notify_all();
  return batch;
}

}  // namespace crossfade::data
