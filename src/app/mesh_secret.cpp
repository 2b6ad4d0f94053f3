#include "src/app/mesh_secret.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/crypto/hash.hpp"

namespace starling {
namespace {

Result<std::string> read_private_file(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return Error{Errc::not_found, "cannot read " + file + ": " + std::strerror(errno)};
  struct stat facts {};
  std::array<char, 4096> content{};
  const bool known = ::fstat(descriptor, &facts) == 0;
  const ssize_t size = ::read(descriptor, content.data(), content.size());
  const std::string reason = std::strerror(errno);
  ::close(descriptor);
  if (!known || size < 0) return Error{Errc::not_found, "cannot read " + file + ": " + reason};
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{Errc::not_authorized, file + " can be read by others: run chmod 600 " + file};
  return std::string(content.data(), static_cast<std::size_t>(size));
}

}  // namespace

Result<crypto::MeshSecret> load_mesh_secret(const std::string& name, const std::string& file) {
  if (const auto open = crypto::open_mesh_secret(name)) {
    if (!file.empty())
      return Error{Errc::malformed, "mesh \"" + name
                                        + "\" is open to everybody and takes no secret; for a closed mesh "
                                          "choose another name"};
    return *open;
  }
  if (file.empty())
    return Error{Errc::not_found,
                 "mesh \"" + name
                     + "\" needs a secret file (--mesh-secret FILE or secret_file); make one with: "
                       "(umask 077; openssl rand -hex 32 > "
                     + (name.find('/') == std::string::npos ? name : "mesh")
                     + ".secret). Only \"public\" and \"public/<name>\" are open"};
  auto text = read_private_file(file);
  if (!text) return text.error();
  auto secret = crypto::parse_mesh_secret(*text);
  crypto::wipe(text->data(), text->size());
  if (!secret) return Error{secret.error().code, file + ": " + secret.error().what};
  return secret;
}

}  // namespace starling
