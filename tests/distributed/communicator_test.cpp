#include "runner/ranks/communicator.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#include "data/random.hpp"
#include "tests/distributed/world.hpp"

namespace crossfade::runner {
namespace {

/// Values of one rank over seven decades, so that the order of summation shows in the bits.
template <class T>
std::vector<T> values_of(int rank, std::size_t count) {
  data::Random random(7, data::Purpose::kPermutation, static_cast<std::uint32_t>(rank));
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(random.normal() * std::pow(10.0, random.uniform(-3, 4)));
  return values;
}

template <class T>
void expect_sum_in_rank_order(Communicator& ranks, ElementType type) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{1024}, std::size_t{1025},
                                  std::size_t{100003}, (std::size_t{1} << 22) + 5}) {
    std::vector<T> sum = values_of<T>(0, count);
    for (int r = 1; r < ranks.size(); ++r) {
      const std::vector<T> other = values_of<T>(r, count);
      for (std::size_t i = 0; i < count; ++i) sum[i] += other[i];
    }
    std::vector<T> mine = values_of<T>(ranks.rank(), count);
    ranks.all_reduce_sum(mine.data(), count, type);
    EXPECT_EQ(std::memcmp(mine.data(), sum.data(), count * sizeof(T)), 0) << count;
  }
}

TEST(Communicator, SumsEveryElementInRankOrderWhereverItLies) {
  Communicator& ranks = test_world().communicator();
  expect_sum_in_rank_order<float>(ranks, ElementType::kFloat32);
  expect_sum_in_rank_order<double>(ranks, ElementType::kFloat64);
  expect_sum_in_rank_order<std::int64_t>(ranks, ElementType::kInt64);
}

TEST(Communicator, BroadcastsBytesAndTextsOfAnyLength) {
  Communicator& ranks = test_world().communicator();
  for (const std::size_t length : {std::size_t{0}, std::size_t{5}, std::size_t{3'000'000}}) {
    const int root = ranks.size() - 1;
    const std::string text = ranks.rank() == root ? std::string(length, 'x') : "mine";
    EXPECT_EQ(ranks.broadcast(text, root), std::string(length, 'x'));
  }
}

TEST(Communicator, PassesMessagesFromThreadsOfTheirOwn) {
  // As the study's queue does: rank 0 answers on a thread, and asks like any other rank.
  const Communicator& world = test_world().communicator();
  Communicator served = world.duplicate();
  Communicator asking = world.duplicate();
  constexpr int kAsk = 3, kAnswer = 4;
  std::thread server;
  // One communicator a thread: the server's questions come on `served`, which only it uses on rank 0.
  if (world.rank() == 0) {
    server = std::thread([&] {
      for (int answered = 0; answered < world.size() - 1;) {
        if (const auto message = served.poll(kAsk)) {
          served.send("to " + std::to_string(message->from) + ": " + message->text, message->from, kAnswer);
          ++answered;
        }
      }
    });
  } else {
    served.send("hello from " + std::to_string(world.rank()), 0, kAsk);
    const auto answer = served.receive(0, kAnswer);
    const std::string me = std::to_string(world.rank());
    EXPECT_EQ(answer.text, "to " + me + ": hello from " + me);
    EXPECT_EQ(answer.from, 0);
  }
  std::int64_t one = 1;
  asking.all_reduce_sum(&one, 1, ElementType::kInt64);
  EXPECT_EQ(one, world.size());
  if (server.joinable()) server.join();
}

TEST(Communicator, SplitsIntoGroupsThatSumApart) {
  const Communicator& world = test_world().communicator();
  Communicator half = world.split(world.rank() % 2);
  EXPECT_EQ(half.rank(), world.rank() / 2);
  std::int64_t sum = world.rank();
  half.all_reduce_sum(&sum, 1, ElementType::kInt64);
  std::int64_t expected = 0;
  for (int r = world.rank() % 2; r < world.size(); r += 2) expected += r;
  EXPECT_EQ(sum, expected);
  EXPECT_EQ(world.split_by_host().size(), world.size());
}

}  // namespace
}  // namespace crossfade::runner
