// SPDX-License-Identifier: Apache-2.0
// elsewhere.cpp - the successor is a VMM on another host, which waits at the address that was asked
// for: no process of ours, no descriptor that crosses, no word that both see.
#include <segue/abi/transport.h>

#include "core/base/log.hpp"
#include "core/update/entrance.hpp"
#include "core/update/handshake.hpp"
#include "core/update/hello.hpp"
#include "core/update/successor_kinds.hpp"

namespace segue::update {

namespace {

// For the other side to hear, over a new connection where that is lost, that the guest stays here.
constexpr std::chrono::seconds kLastWord{3};

class Elsewhere final : public Successor {
public:
    explicit Elsewhere(Attempt& attempt)
        : a_(attempt) {}

    std::vector<std::string> warnings() const override {
        return {"the guest goes to another host: if the connection breaks in the switch-over, it "
                "stands still until both hosts see each other again, or an operator says where it "
                "is to run: segue resolve"};
    }

    Status begin() override {
        SEGUE_ASSIGN(stream_, a_.session.connect_engine(a_.session.wait()));
        SEGUE_TRY(stream_.send(MessageType::Hello, a_.manifest_bytes, {}, a_.session.wait()));
        SEGUE_ASSIGN(const Message m, stream_.expect(MessageType::Welcome, a_.session.wait()));
        SEGUE_ASSIGN(const Welcome w, decode_welcome(m.body));
        a_.session.agreed.wire_rev = w.wire_rev;
        a_.progress.change([&](report::UpdateRecord& r) {
            r.to_version = w.version;
            r.to_pid = w.pid; // of the other host's
        });
        return {};
    }

    Status ready() override {
        SEGUE_TRY(stream_.expect(MessageType::Ready, a_.session.wait()));
        return {};
    }

    // The incoming side reads it itself, before it says that it is loaded.
    Status check_state() override { return {}; }

    Status hand_over() override {
        offered_ = true;
        const Leaving leaving{[this] { return relinquish(); },
                              [this] { return a_.ctx.machine.take_hold(); },
                              [this] { return time_stood_still(); },
                              [this](const Waiter& w) { return a_.session.connect_engine(w); },
                              [this](const Error& why) { in_doubt(why); },
                              [this](Place place) { note(resolved_to(place)); },
                              a_.doubt};
        SEGUE_TRY(switch_over(leaving, std::move(stream_), a_.session.wait()));
        a_.ctx.ownership.end(a_.ctx.guest.generation);
        return {};
    }

    bool abandon() noexcept override {
        const Waiter now{Deadline::in(std::chrono::seconds(0))};
        (void)stream_.refuse(Error(Code::Cancelled, "the guest stays where it is"), now).ok();
        return false;
    }

    // The guest runs again. Who has loaded its state waits for us until it hears that.
    void explain(Error& why) override {
        if (offered_ && why.code() != Code::Refused)
            tell_it_stays();
        // "The connection has ended" is no reason: its own words are.
        if (why.code() == Code::Closed)
            if (auto said = last_refusal(stream_, Waiter{Deadline::in(kLastWord)})) {
                for (const auto& [what, value] : why.details())
                    *said = std::move(*said).with(what, value);
                why = std::move(*said);
            }
        if (why.code() == Code::Closed)
            why = std::move(why).way_out(
                "the guest runs on unharmed; the log of the VMM on the other "
                "host says why it ended");
        if (why.way_out().empty() && why.code() != Code::Cancelled)
            why = std::move(why).way_out("the guest runs on unharmed; look at both VMMs' logs");
        why = std::move(why).with("channel", a_.request.address);
    }

private:
    Status relinquish() const {
        SEGUE_TRY(a_.progress.note(report::SwitchOver::Relinquished));
        return a_.ctx.machine.let_go();
    }
    std::vector<std::byte> time_stood_still() const {
        const std::uint64_t ns = static_cast<std::uint64_t>(
            (monotonic_now() - paused_at(a_.progress.snapshot())).count());
        const auto bytes = std::as_bytes(std::span(&ns, 1));
        return {bytes.begin(), bytes.end()};
    }

    // Stopped for good or not, the guest's control socket answers.
    void in_doubt(const Error& why) const {
        a_.ctx.run.in_doubt();
        a_.progress.warn("in doubt: the guest was given to the VMM at " + a_.request.address +
                         ", and nobody here can know whether it runs there (" + why.what() +
                         "); it stands still here until both hosts see each other again, or until "
                         "it is said where it is to run: segue resolve " +
                         a_.ctx.guest.name + " --here|--there");
        note(report::SwitchOver::InDoubt);
        a_.ctx.frontend.resume();
    }
    // The guest matters more than the journal, once it is given away.
    void note(report::SwitchOver how_far) const {
        if (const Status s = a_.progress.note(how_far); !s)
            log::error("journal: " + s.error().what());
    }
    // Somebody said that it should run here, and was wrong.
    void runs_twice() const {
        a_.progress.warn("the VMM at " + a_.request.address +
                         " runs the guest as well, which writes to its disks from two hosts: end "
                         "this one at once: segue shutdown " +
                         a_.ctx.guest.name + " --force");
    }
    void tell_it_stays() {
        stream_.close();
        for (const Deadline limit = Deadline::in(kLastWord); !limit.passed();) {
            auto next = a_.session.connect_engine(Waiter{limit});
            if (!next)
                return;
            // A connection that is closed with something unread may lose what was said on it.
            const Waiter wait{limit};
            const auto said = next->receive(wait);
            const bool heard = said.ok();
            if (heard && said->type == MessageType::Running)
                runs_twice();
            if (next->refuse(Error(Code::Cancelled, "the guest stays where it is"), wait) &&
                heard) {
                (void)next->receive(wait).ok(); // until it hangs up
                return;
            }
        }
    }

    Attempt& a_;
    Stream stream_;
    bool offered_ = false; // it may be loaded over there
};

} // namespace

std::unique_ptr<Successor> make_elsewhere(Attempt& attempt) {
    return std::make_unique<Elsewhere>(attempt);
}

} // namespace segue::update
