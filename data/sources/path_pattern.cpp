#include "data/sources/path_pattern.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

struct Piece {
  enum Kind { kText, kPlaceholder, kAny, kOne } kind;
  std::string text;          // kText: itself; kPlaceholder: its name
  bool ignore_case = false;  // kText
};

struct Component {
  std::string written;
  std::vector<Piece> pieces;
  bool is_literal() const {
    return std::ranges::all_of(pieces, [](const Piece& piece) { return piece.kind == Piece::kText; });
  }
};

struct Pattern {
  bool is_absolute = false;
  std::vector<Component> components;
};

char lower(char letter) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

/// Where the ending of a file's name begins, ".nii.gz" or ".png".
std::size_t ending_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return name.size();
  const bool is_packed = name.size() >= dot + 3 && lower(name[dot + 1]) == 'g' && lower(name[dot + 2]) == 'z';
  const std::size_t before = is_packed && dot > 0 ? name.rfind('.', dot - 1) : std::string_view::npos;
  return before == std::string_view::npos ? dot : before;
}

std::string shown(const Piece& piece) {
  return piece.kind == Piece::kPlaceholder ? "{" + piece.text + "}" : "*";
}

/// The name in braces at the front of `rest`.
std::string placeholder_in(std::string_view rest) {
  const std::size_t end = rest.find('}');
  if (end == std::string_view::npos) throw std::invalid_argument("has a '{' without its '}'");
  std::string name(rest.substr(1, end - 1));
  const auto is_name = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (name.empty() || !std::ranges::all_of(name, is_name))
    throw std::invalid_argument("has '{" + name + "}', expected a name of letters, digits and '_' in braces");
  return name;
}

/// Throws std::invalid_argument where nobody knows where a placeholder or `*` ends and the next begins.
void require_ends(const Component& component) {
  const Piece* open = nullptr;
  for (const Piece& piece : component.pieces) {
    if (piece.kind == Piece::kText) open = nullptr;
    if (piece.kind != Piece::kPlaceholder && piece.kind != Piece::kAny) continue;
    if (open != nullptr)
      throw std::invalid_argument("has no text between " + shown(*open) + " and " + shown(piece) +
                                  ", expected some that says where the one ends" +
                                  (shown(*open) == "*" ? " (there is no **: write * for each folder)" : ""));
    open = &piece;
  }
}

Component component_of(std::string_view written, bool is_last) {
  Component component{std::string(written), {}};
  const std::size_t ending = is_last ? ending_of(written) : written.size();
  for (std::size_t at = 0; at < written.size();) {
    const char letter = written[at];
    if (letter == '}') throw std::invalid_argument("has a '}' without its '{'");
    if (letter == '{') {
      component.pieces.push_back({Piece::kPlaceholder, placeholder_in(written.substr(at))});
      at += component.pieces.back().text.size() + 2;
    } else if (letter == '*' || letter == '?') {
      component.pieces.push_back({letter == '*' ? Piece::kAny : Piece::kOne, ""});
      ++at;
    } else {
      const std::size_t end = std::min(written.find_first_of("{}*?", at), at < ending ? ending : written.size());
      component.pieces.push_back({Piece::kText, std::string(written.substr(at, end - at)), at >= ending});
      at = end;
    }
  }
  require_ends(component);
  return component;
}

/// Throws std::invalid_argument without the pattern's own text.
Pattern parse(std::string_view written) {
  Pattern pattern{written.starts_with('/'), {}};
  if (written.ends_with('/')) throw std::invalid_argument("ends in '/', expected the name of a file");
  std::vector<std::string_view> components;
  for (std::size_t at = 0; at < written.size();) {
    const std::size_t end = std::min(written.find('/', at), written.size());
    if (const auto component = written.substr(at, end - at); !component.empty() && component != ".")
      components.push_back(component);
    at = end + 1;
  }
  bool has_subject = false;
  for (std::size_t i = 0; i < components.size(); ++i) {
    pattern.components.push_back(component_of(components[i], i + 1 == components.size()));
    for (const Piece& piece : pattern.components.back().pieces)
      has_subject = has_subject || (piece.kind == Piece::kPlaceholder && piece.text == "subject");
  }
  if (!has_subject) throw std::invalid_argument("has no {subject}, expected such as images/{subject}.nii.gz");
  return pattern;
}

bool starts_with(std::string_view name, const Piece& text) {
  if (name.size() < text.text.size()) return false;
  if (!text.ignore_case) return name.starts_with(text.text);
  return std::ranges::equal(name.substr(0, text.text.size()), text.text,
                            [](char a, char b) { return lower(a) == lower(b); });
}

/// Bytes of the character at the front of UTF-8.
std::size_t character(std::string_view name) {
  std::size_t bytes = 1;
  while (bytes < name.size() && (static_cast<unsigned char>(name[bytes]) & 0xC0U) == 0x80U) ++bytes;
  return bytes;
}

/// Where what each `*` stands for begins, in letters from the end, and its length.
using Spans = std::vector<std::pair<std::size_t, std::size_t>>;

/// One way to divide a name.
struct Division {
  PlaceholderValues values;
  Spans spans;
};

/// Looks for a way to divide `name` over the pieces from `piece` on, the shortest first, that `accept` takes.
template <class Accept>
bool divide(const Component& component, std::size_t piece, std::string_view name, Division& division,
            const Accept& accept) {
  if (piece == component.pieces.size()) return name.empty() && accept(division);
  const Piece& next = component.pieces[piece];
  const auto go_on = [&](std::size_t taken) {
    return divide(component, piece + 1, name.substr(taken), division, accept);
  };
  if (next.kind == Piece::kText) return starts_with(name, next) && go_on(next.text.size());
  if (next.kind == Piece::kOne) return !name.empty() && go_on(character(name));
  if (next.kind == Piece::kAny) {
    for (std::size_t taken = 0; taken <= name.size(); taken += character(name.substr(taken))) {
      division.spans.emplace_back(name.size(), taken);
      if (go_on(taken)) return true;
      division.spans.pop_back();
    }
    return false;
  }
  if (const auto known = division.values.find(next.text); known != division.values.end())
    return name.starts_with(known->second) && go_on(known->second.size());
  for (std::size_t taken = character(name); taken <= name.size(); taken += character(name.substr(taken))) {
    division.values[next.text] = name.substr(0, taken);
    if (go_on(taken)) return true;
  }
  division.values.erase(next.text);
  return false;
}

std::string text_of(const PlaceholderValues& values) {
  std::string text;
  for (const auto& [name, value] : values)
    text.append(text.empty() ? "{" : ", {").append(name).append("} = '").append(value).append("'");
  return text;
}

/// The values with those that `path`, one that `component` may match, adds to `known`; nothing where it doesn't match.
std::optional<PlaceholderValues> match(const Component& component, const fs::path& path, const PlaceholderValues& known,
                                       const std::string& pattern) {
  const std::string name = path.filename().string();
  if (name.starts_with('.') && !component.written.starts_with('.')) return std::nullopt;
  Division first{known, {}};
  if (!divide(component, 0, name, first, [](const Division&) { return true; })) return std::nullopt;
  Division other{known, {}};
  const auto differs = [&](const Division& found) {
    return found.spans == first.spans && found.values != first.values;
  };
  if (divide(component, 0, name, other, differs))
    fail(path, "matches '" + pattern + "' in two ways, " + text_of(first.values) + " or " + text_of(other.values) +
                   ": write more of the text that such names share into the pattern");
  return first.values;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, error), end; !error && entry != end;
       entry.increment(error))
    paths.push_back(folder / entry->path().filename());
  if (error) fail(folder, "cannot be read as a folder: " + error.message());
  return paths;
}

/// Throws std::runtime_error for a link to nothing, or to something that cannot be looked at.
bool is_folder(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return true;
  if (fs::is_symlink(fs::symlink_status(path, error)) && !fs::exists(path, error)) require_file(path);
  return false;
}

std::vector<MatchedFile> step(const MatchedFile& from, const Component& component, bool is_last,
                              const std::string& pattern) {
  std::vector<MatchedFile> found;
  if (!is_last && component.is_literal()) {  // a folder that may be entered need not be one that may be listed
    if (const fs::path folder = from.file / component.written; is_folder(folder))
      found.push_back({folder, from.values});
    return found;
  }
  for (const fs::path& path : entries_of(from.file)) {
    std::optional<PlaceholderValues> values = match(component, path, from.values, pattern);
    if (!values) continue;
    if (is_last)
      require_file(path);
    else if (!is_folder(path))
      continue;
    found.push_back({path, std::move(*values)});
  }
  return found;
}

[[noreturn]] void refuse_nothing(const std::string& pattern, const Component& component, bool is_last,
                                 std::vector<MatchedFile> folders) {
  const auto first = std::ranges::min_element(folders, {}, &MatchedFile::file);
  const std::string where =
      folders.size() == 1 ? first->file.string()
                          : "any of " + std::to_string(folders.size()) + " folders such as " + first->file.string();
  throw std::runtime_error("pattern '" + pattern + "': no " + (is_last ? "file" : "folder") + " matches '" +
                           component.written + "' in " + (where.empty() ? "the working directory" : where));
}

}  // namespace

std::string path_pattern_fault(const std::string& pattern) {
  try {
    parse(pattern);
    return {};
  } catch (const std::invalid_argument& error) {
    return "pattern '" + pattern + "' " + error.what();
  }
}

PatternMatches match_pattern(const fs::path& root, const std::string& pattern) {
  if (const std::string fault = path_pattern_fault(pattern); !fault.empty()) throw std::invalid_argument(fault);
  const Pattern parsed = parse(pattern);
  if (std::error_code error; !root.empty() && !parsed.is_absolute && !fs::is_directory(root, error))
    fail(root, "no such folder");
  PatternMatches matches{pattern, {}, 0, {{parsed.is_absolute ? "/" : root, {}}}};
  for (const Component& component : parsed.components) {
    const bool is_last = &component == &parsed.components.back();
    std::vector<MatchedFile> found;
    for (const MatchedFile& from : matches.files)
      std::ranges::move(step(from, component, is_last, pattern), std::back_inserter(found));
    if (found.empty()) refuse_nothing(pattern, component, is_last, std::move(matches.files));
    matches.files = std::move(found);
    for (const Piece& piece : component.pieces) {
      if (piece.kind == Piece::kPlaceholder) matches.placeholders.insert(piece.text);
      if (piece.kind == Piece::kText) matches.literal += piece.text.size();
    }
  }
  std::ranges::sort(matches.files, {}, &MatchedFile::file);
  return matches;
}

}  // namespace crossfade::data
