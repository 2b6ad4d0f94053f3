// SecurityFiles: the ACL, password and PSK files that the settings name, each read and understood
// once however many listeners name it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/access/access_rules.hpp"
#include "src/auth/password_file.hpp"
#include "src/auth/psk_file.hpp"
#include "src/config/config_files.hpp"
#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"

namespace starling {

class SecurityFiles {
 public:
  /// `trouble`: what forbids a start. `warnings`: what is said and does not. Both outlive it.
  SecurityFiles(config::ConfigFiles& files, std::vector<config::Diagnostic>& trouble,
                std::vector<std::string>& warnings)
      : files_(files), trouble_(trouble), warnings_(warnings) {}

  // Each takes an empty path for "there is none". `named_at`: where the settings name the file, for
  // one that cannot be read.
  /// Without a file everything is allowed.
  AccessRules rules(const std::string& path, const config::Origin& named_at);
  /// nullptr without a file.
  std::shared_ptr<const PasswordTable> passwords(const std::string& path,
                                                 const config::Origin& named_at);
  PskTable psk(const std::string& path, const config::Origin& named_at);

 private:
  std::string read(const std::string& path, const config::Origin& named_at);
  void complain(const std::string& path, std::size_t line, std::size_t column, std::string what);

  config::ConfigFiles& files_;
  std::vector<config::Diagnostic>& trouble_;
  std::vector<std::string>& warnings_;
  std::map<std::string, AccessRules> rules_;
  std::map<std::string, std::shared_ptr<const PasswordTable>> passwords_;
  std::map<std::string, PskTable> psk_;
};

}  // namespace starling
