#include "src/config/text_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "starling/limits.hpp"

namespace starling::config {

Result<std::string> read_text_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 16'384> chunk;
  while (file && text.size() <= limits::config_file_max) {
    file.read(chunk.data(), chunk.size());
    text.append(chunk.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (text.size() > limits::config_file_max)
    return Error{Errc::too_large, "larger than " + std::to_string(limits::config_file_max)
                                      + " bytes, which no configuration is"};
  if (!file.eof())
    return Error{errno == ENOENT ? Errc::not_found : Errc::io,
                 std::string("cannot be read: ") + std::strerror(errno)};
  return text;
}

}  // namespace starling::config
