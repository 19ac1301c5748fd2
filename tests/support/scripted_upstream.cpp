#include "tests/support/scripted_upstream.hpp"

#include <algorithm>
#include <array>

namespace ghoard::testing {

class FakeUpstream::Handle final : public cache::Exchange {
 public:
  explicit Handle(std::shared_ptr<Slot> slot) : m_slot(std::move(slot)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() override {
    if (!m_slot->ended) {
      m_slot->cancelled = true;
      m_slot->steps.clear();
      m_slot->observer.reset();
    }
  }
  void resume() override { m_slot->paused = false; }

 private:
  std::shared_ptr<Slot> m_slot;
};

std::unique_ptr<cache::Exchange> FakeUpstream::start(cache::UpstreamRequest request,
                                                     std::shared_ptr<cache::ResponseObserver> observer) {
  auto slot = std::make_shared<Slot>();
  slot->request = std::move(request);
  slot->observer = std::move(observer);
  m_slots.push_back(slot);
  return std::make_unique<Handle>(std::move(slot));
}

std::size_t FakeUpstream::in_flight() const {
  return static_cast<std::size_t>(
      std::count_if(m_slots.begin(), m_slots.end(), [](const auto& slot) { return !slot->ended && !slot->cancelled; }));
}

/// Runs steps until one pauses, the exchange is destroyed, or none is left. An observer may start other requests,
/// destroy its own exchange or ask for more from within a step.
void FakeUpstream::deliver(const std::shared_ptr<Slot>& slot) {
  if (slot->delivering) {
    return;
  }
  slot->delivering = true;
  while (!slot->steps.empty() && !slot->paused && !slot->cancelled && !slot->ended) {
    const std::function<void(Slot&)> step = std::move(slot->steps.front());
    slot->steps.pop_front();
    step(*slot);
  }
  slot->delivering = false;
}

void FakeUpstream::add_step(std::size_t n, std::function<void(Slot&)> step) {
  const std::shared_ptr<Slot> slot = m_slots.at(n);
  if (slot->cancelled || slot->ended) {
    return;
  }
  slot->steps.push_back(std::move(step));
  deliver(slot);
}

void FakeUpstream::send_head(std::size_t n, int status, http::Headers headers) {
  add_step(n, [status, fields = std::move(headers)](Slot& slot) {
    const std::shared_ptr<cache::ResponseObserver> observer = slot.observer;
    observer->on_head({status, fields});
  });
}

void FakeUpstream::send_data(std::size_t n, std::string chunk) {
  add_step(n, [bytes = std::move(chunk)](Slot& slot) {
    const std::shared_ptr<cache::ResponseObserver> observer = slot.observer;
    slot.paused = !observer->on_data(bytes);
  });
}

void FakeUpstream::finish(std::size_t n) {
  add_step(n, [](Slot& slot) {
    const std::shared_ptr<cache::ResponseObserver> observer = std::move(slot.observer);
    slot.ended = true;
    observer->on_end(std::nullopt);
  });
}

void FakeUpstream::fail(std::size_t n, base::Error error) {
  add_step(n, [why = std::move(error)](Slot& slot) {
    const std::shared_ptr<cache::ResponseObserver> observer = std::move(slot.observer);
    slot.ended = true;
    observer->on_end(why);
  });
}

void FakeUpstream::respond(std::size_t n, int status, http::Headers headers, std::string body) {
  send_head(n, status, std::move(headers));
  if (!body.empty()) {
    send_data(n, std::move(body));
  }
  finish(n);
}

void FakeUpstream::pump() {
  const std::vector<std::shared_ptr<Slot>> slots = m_slots;
  for (const std::shared_ptr<Slot>& slot : slots) {
    deliver(slot);
  }
}

FakeUpstream::BodyRead FakeUpstream::read_body(std::size_t n, std::size_t at_most) const {
  const cache::UpstreamRequest& request = m_slots.at(n)->request;
  if (!request.stream) {
    return {request.body, cache::BodySource::State::end};
  }
  BodyRead result;
  std::array<char, 4096> piece{};
  while (result.bytes.size() < at_most) {
    const cache::BodySource::Read read = request.stream->read(piece);
    result.state = read.state;
    if (read.state != cache::BodySource::State::data) {
      break;
    }
    result.bytes.append(piece.data(), read.size);
  }
  return result;
}

}  // namespace ghoard::testing
