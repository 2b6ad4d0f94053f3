#include "src/portmap/child_gateway.hpp"

#include <utility>
#include <vector>

#include "src/portmap/ask_router.hpp"
#include "src/portmap/gateway_text.hpp"

namespace starling {

ChildGateway::ChildGateway(UvLoop& loop, std::string program)
    : loop_(loop), program_(std::move(program)) {}

void ChildGateway::ask(const GatewayRequest& request, OnAnswer on_answer) {
  std::vector<std::string> words = {program_, ask_router_word};
  for (std::string& word : words_of(request)) words.push_back(std::move(word));
  const std::uint64_t number = ++last_number_;
  auto on_end = [this, number, on_answer = std::move(on_answer)](const Result<std::string>& text) {
    GatewayAnswer answer;
    if (!text) {
      answer.why = "asking the router failed: " + text.error().what;
    } else if (const auto parsed = parse_answer(*text)) {
      answer = *parsed;
    } else {
      answer.why = "asking the router gave an answer that cannot be read";
    }
    const auto tell = on_answer;  // it goes with the child
    children_.erase(number);
    tell(answer);
  };
  children_.emplace(number, std::make_unique<UvChild>(
                                loop_, std::move(words),
                                UvChild::Bounds{gateway_answer_max, gateway_answer_bytes_max},
                                std::move(on_end)));
}

}  // namespace starling
