// SPDX-License-Identifier: Apache-2.0
#include "core/control/agent.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <random>
#include <sstream>

#include <segue/cpp/sys.hpp>

#include "core/base/unix_socket.hpp"
#include "core/base/wait.hpp"

namespace segue::control {
namespace {

using Poco::JSON::Object;

constexpr char kSentinel = '\xff'; // in no UTF-8: whoever reads it begins anew
constexpr std::size_t kMaxAnswer = 16u << 20;
constexpr int kMaxDepth = 64;

constexpr std::array<std::string_view, 4> kSilent = {"guest-shutdown", "guest-suspend-disk",
                                                     "guest-suspend-hybrid", "guest-suspend-ram"};

Result<Object::Ptr> object_of(const std::string& text, const std::string& what) {
    try {
        Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true)); // keeps the order of keys
        parser.setDepth(kMaxDepth);
        const auto any = parser.parse(text);
        if (any.type() == typeid(Object::Ptr))
            return any.extract<Object::Ptr>();
        return Error(Code::Invalid, what + " is no JSON object");
    } catch (const Poco::Exception& e) {
        return Error(Code::Invalid, what + " is no JSON: " + e.displayText());
    }
}

std::string text_of(const Poco::Dynamic::Var& value) {
    std::ostringstream out;
    Poco::JSON::Stringifier::stringify(value, out);
    return out.str();
}

Result<std::string> returned(const std::string& line) {
    SEGUE_ASSIGN(const Object::Ptr o, object_of(line, "the guest agent's answer"));
    if (const auto error = o->getObject("error"); !error.isNull())
        return Error(Code::Refused,
                     "the guest agent says: " + error->optValue<std::string>("desc", "an error"))
            .with("class", error->optValue<std::string>("class", ""));
    if (!o->has("return"))
        return Error(Code::Invalid, "the guest agent answers neither a value nor an error");
    return text_of(o->get("return"));
}

std::string fresh_number() {
    std::random_device random;
    return std::to_string(random() & 0x7fffffff);
}

Error nobody(const std::string& path) {
    return Error(Code::Deadline, "the guest agent does not answer at " + path)
        .way_out("see that qemu-guest-agent runs in the guest, and that the guest does");
}

} // namespace

bool Agent::is_silent(std::string_view command) {
    return std::find(kSilent.begin(), kSilent.end(), command) != kSilent.end();
}

Result<Agent> Agent::connect(const std::string& socket, Deadline deadline) {
    SEGUE_ASSIGN(UniqueFd fd, connect_unix(socket, deadline));
    Agent agent(std::move(fd), socket);
    if (Status s = agent.synchronise(deadline); !s)
        return std::move(s).error();
    return agent;
}

// guest-sync-delimited: our sentinel ends what the agent was in the middle of reading, its own
// stands before its answer.
Status Agent::synchronise(Deadline deadline) {
    const std::string number = fresh_number();
    SEGUE_TRY(send(std::string_view(&kSentinel, 1), deadline));
    SEGUE_TRY(send("guest-sync-delimited", R"({"id": )" + number + "}", deadline));
    for (;;) {
        const auto at = unread_.rfind(kSentinel);
        unread_.erase(0, at == std::string::npos ? unread_.size() : at);
        if (unread_.find('\n') == std::string::npos) {
            if (Status s = receive(deadline); !s)
                return s.code() == Code::Deadline ? nobody(path_) : std::move(s);
            continue;
        }
        unread_.erase(0, 1);
        SEGUE_ASSIGN(const std::string said, line(deadline));
        const auto value = returned(said);
        if (value && *value == number)
            return {};
    }
}

Status Agent::send(std::string_view bytes, Deadline deadline) {
    while (!bytes.empty()) {
        const auto n = sys::retry([&] {
            return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        });
        if (n < 0 && errno == EAGAIN) {
            if (!Waiter{deadline}.until(socket_.get(), POLLOUT))
                return nobody(path_);
            continue;
        }
        if (n < 0)
            return Error::from_errno(errno, "send to the guest agent at " + path_);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Status Agent::receive(Deadline deadline) {
    char piece[4096];
    SEGUE_TRY(Waiter{deadline}.until(socket_.get(), POLLIN));
    const auto n = sys::retry([&] { return ::read(socket_.get(), piece, sizeof piece); });
    if (n <= 0)
        return Error(Code::Exists, "the port at " + path_ + " hung up")
            .way_out("another client speaks with the guest agent: end it, or try again");
    if (unread_.size() + static_cast<std::size_t>(n) > kMaxAnswer)
        return Error(Code::Refused, "the guest agent's answer is longer than 16 MiB")
            .way_out("ask it for less");
    unread_.append(piece, static_cast<std::size_t>(n));
    return {};
}

Result<std::string> Agent::line(Deadline deadline) {
    std::size_t end = 0;
    while ((end = unread_.find('\n')) == std::string::npos)
        SEGUE_TRY(receive(deadline));
    std::string text = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return text;
}

Status Agent::send(const std::string& command, const std::string& arguments, Deadline deadline) {
    Object::Ptr o = new Object;
    o->set("execute", command);
    std::string text = text_of(o);
    if (!arguments.empty()) {
        SEGUE_TRY(object_of(arguments, "'" + arguments + "'"));
        text.insert(text.size() - 1, ",\"arguments\":" + arguments); // as it was written
    }
    return send(std::string_view(text + "\n"), deadline);
}

Result<std::string> Agent::answer(Deadline deadline) {
    auto said = line(deadline);
    if (said)
        return returned(*said);
    if (said.code() == Code::Deadline)
        return Error(Code::Deadline, "the guest agent gives no answer in time")
            .way_out("give it more with --timeout, if the command takes its time");
    return std::move(said).error();
}

} // namespace segue::control
