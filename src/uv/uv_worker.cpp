#include "src/uv/uv_worker.hpp"

#include <set>
#include <utility>
#include <uv.h>

#include "starling/check.hpp"

#include "src/uv/uv_loop.hpp"

namespace starling {

struct UvWorker::Outstanding {
  std::set<Request*> requests;
};

struct UvWorker::Request {
  uv_work_t work;
  std::function<void()> job;
  std::function<void()> done;
  std::shared_ptr<Outstanding> outstanding;
};

UvWorker::UvWorker(UvLoop& loop) : loop_(loop), outstanding_(std::make_shared<Outstanding>()) {}

UvWorker::~UvWorker() {
  for (Request* request : outstanding_->requests) {
    request->done = nullptr;
    uv_cancel(reinterpret_cast<uv_req_t*>(&request->work));  // refused for those that run: they end
  }
}

void UvWorker::run(std::function<void()> job, std::function<void()> done) {
  auto request = std::make_unique<Request>();
  request->job = std::move(job);
  request->done = std::move(done);
  request->outstanding = outstanding_;
  uv_req_set_data(reinterpret_cast<uv_req_t*>(&request->work), request.get());
  const int error = uv_queue_work(
      loop_.native(), &request->work,
      [](uv_work_t* work) {
        static_cast<Request*>(uv_req_get_data(reinterpret_cast<uv_req_t*>(work)))->job();
      },
      [](uv_work_t* work, int) {
        const std::unique_ptr<Request> finished{
            static_cast<Request*>(uv_req_get_data(reinterpret_cast<uv_req_t*>(work)))};
        finished->outstanding->requests.erase(finished.get());
        if (finished->done) finished->done();
      });
  STARLING_CHECK(error == 0);
  outstanding_->requests.insert(request.release());
}

}  // namespace starling
