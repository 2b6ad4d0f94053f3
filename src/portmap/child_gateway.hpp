// ChildGateway: each question is asked by a process of its own (ask_router).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "src/portmap/gateway.hpp"
#include "src/uv/uv_child.hpp"

namespace starling {

class UvLoop;

class ChildGateway final : public Gateway {
 public:
  /// `program`: what is run, with `ask_router_word` as its first argument.
  ChildGateway(UvLoop& loop, std::string program);

  void ask(const GatewayRequest& request, OnAnswer on_answer) override;

 private:
  UvLoop& loop_;
  std::string program_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::unique_ptr<UvChild>> children_;  // one for each open question
};

}  // namespace starling
