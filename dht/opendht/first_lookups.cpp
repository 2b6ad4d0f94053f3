#include "dht/opendht/first_lookups.hpp"

#include <array>

namespace starling {
namespace {

using namespace std::chrono_literals;
using Target = FirstLookups::Target;

struct Step {
  Target target;
  Duration after;  // connecting, at the earliest
};
constexpr std::array<Step, 8> steps = {{{Target::own_id, 0s},
                                        {Target::anywhere, 0s},
                                        {Target::own_id, 0s},
                                        {Target::own_id, 5s},
                                        {Target::own_id, 20s},
                                        {Target::anywhere, 20s},
                                        {Target::own_id, 60s},
                                        {Target::anywhere, 60s}}};
constexpr unsigned steps_before_announcing = 3;
constexpr Duration patience = 1s;  // with one search: a dead node among the closest takes three

}  // namespace

void FirstLookups::on_connected(TimePoint now) {
  step_ = 0;
  searching_ = false;
  filled_ = false;
  connected_at_ = now;
  due_ = now;
}

void FirstLookups::on_disconnected() {
  searching_ = false;
  filled_ = false;
  due_.reset();
}

void FirstLookups::take_next_step(TimePoint now) {
  searching_ = false;
  ++step_;
  if (step_ >= steps_before_announcing) filled_ = true;
  if (step_ < steps.size())
    due_ = std::max(now, connected_at_ + steps[step_].after);
  else
    due_.reset();
}

std::optional<FirstLookups::Task> FirstLookups::next_task(TimePoint now) {
  if (!due_ || *due_ > now) return std::nullopt;
  if (searching_) {
    take_next_step(now);  // it has had its time; its end will not be waited for
    if (!due_ || *due_ > now) return std::nullopt;
  }
  searching_ = true;
  due_ = now + patience;
  return Task{++search_id_, steps[step_].target};
}

void FirstLookups::on_done(std::uint64_t id, TimePoint now) {
  if (searching_ && id == search_id_) take_next_step(now);
}

std::optional<TimePoint> FirstLookups::next_deadline() const {
  return due_;
}

}  // namespace starling
