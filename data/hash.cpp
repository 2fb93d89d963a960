#include "data/hash.hpp"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace crossfade::data {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr || EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL offers no SHA-256");
}

Sha256::~Sha256() = default;

Sha256& Sha256::update(std::span<const std::byte> bytes) {
  if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1)
    throw std::runtime_error("OpenSSL failed to update a SHA-256");
  return *this;
}

Sha256& Sha256::update(std::string_view text) {
  return update(std::as_bytes(std::span(text)));
}

Sha256& Sha256::update_file(const std::filesystem::path& file) {
  update_file(file, {this});
  return *this;
}

void Sha256::update_file(const std::filesystem::path& file, std::initializer_list<Sha256*> hashes) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error(file.string() + ": cannot be opened for reading");
  const auto update_all = [&](std::string_view bytes) {
    for (Sha256* hash : hashes) hash->update(bytes);
  };
  update_all(std::to_string(std::filesystem::file_size(file)) + "\n");
  std::vector<char> buffer(std::size_t{1} << 20);
  while (stream) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    update_all(std::string_view(buffer.data(), static_cast<std::size_t>(stream.gcount())));
  }
  if (!stream.eof()) throw std::runtime_error(file.string() + ": cannot be read to its end");
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  if (EVP_DigestFinal_ex(state_->context, digest.data(), nullptr) != 1)
    throw std::runtime_error("OpenSSL failed to finish a SHA-256");
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view text) {
  return Sha256().update(text).hex();
}

std::uint32_t subject_key(std::string_view subject) {
  return static_cast<std::uint32_t>(std::stoul(sha256_hex(subject).substr(0, 8), nullptr, 16));
}

}  // namespace crossfade::data
