// SPDX-License-Identifier: Apache-2.0
#include "core/control/client.hpp"

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>

#include <istream>
#include <thread>

#include "core/base/unix_socket.hpp"
#include "core/control/json.hpp"

namespace segue::control {
namespace {

namespace net = Poco::Net;

constexpr std::size_t kMaxAnswer = 4u << 20;              // bytes
constexpr auto kAskAgain = std::chrono::milliseconds(10); // where a holder says so
constexpr int kTries = 3; // of what may be repeated, where the connection was cut

struct Received {
    int status = 0;
    std::string body;
};

Error hung_up(const std::string& tried, const std::string& why) {
    return Error(Code::Closed, tried + ": the VMM hung up without an answer" +
                                   (why.empty() ? "" : " (" + why + ")"))
        .way_out("`segue status` says whether the guest still runs");
}

Received exchange(UniqueFd fd, std::chrono::milliseconds timeout, net::HTTPRequest& request,
                  const std::string& body) {
    const Poco::Timespan each(std::chrono::microseconds(timeout).count());
    net::StreamSocket socket(new net::StreamSocketImpl(fd.release()));
    socket.setReceiveTimeout(each); // a session sets its own only on sockets that it connects
    socket.setSendTimeout(each);
    net::HTTPClientSession session(socket);
    request.setHost("localhost");
    request.setKeepAlive(false);
    if (!body.empty())
        request.setContentType("application/json");
    if (request.getMethod() != net::HTTPRequest::HTTP_GET)
        request.setContentLength(static_cast<std::streamsize>(body.size()));
    session.sendRequest(request) << body << std::flush;
    net::HTTPResponse response;
    auto& in = session.receiveResponse(response);
    Received received{static_cast<int>(response.getStatus()), std::string(kMaxAnswer, '\0')};
    in.read(received.body.data(), static_cast<std::streamsize>(received.body.size()));
    received.body.resize(static_cast<std::size_t>(in.gcount()));
    if (const auto* error = session.networkException())
        error->rethrow();
    return received;
}

Status no_value(Result<std::string> answer) {
    SEGUE_TRY(std::move(answer));
    return {};
}

} // namespace

bool is_no_guest(const Error& error) {
    return error.code() == Code::NotFound && !error.detail("guest").empty();
}

Result<std::string> Client::call(const Call& call) const {
    auto answer = call_once(call);
    for (int i = 1; i < kTries && call.again() && answer.code() == Code::Closed; ++i)
        answer = call_once(call);
    // A holder's "ask again": nothing was done.
    for (const auto limit = Deadline::in(timeout_); answer.code() == Code::Again;) {
        std::this_thread::sleep_for(kAskAgain);
        if (limit.passed())
            break;
        answer = call_once(call);
    }
    return answer;
}

Result<std::string> Client::call_once(const Call& call) const {
    auto fd = connect_unix(path_, Deadline::in(timeout_));
    if (fd.code() == Code::NotFound || fd.code() == Code::Closed)
        return Error(Code::NotFound, "no guest '" + guest_ + "' runs: " + fd.error().what())
            .way_out("`segue list` shows the guests that run; other run directories are named with "
                     "--run-dir")
            .with("guest", guest_);
    if (!fd)
        return std::move(fd).error();
    const std::string tried = call.method + " " + call.path + " of guest '" + guest_ + "'";
    try {
        net::HTTPRequest request(call.method, call.path, net::HTTPMessage::HTTP_1_1);
        if (!call.key.empty())
            request.set("Idempotency-Key", call.key);
        auto received = exchange(std::move(*fd), timeout_, request, call.body);
        if (received.status >= 400)
            return error_from_problem(received.body, received.status);
        return std::move(received.body);
    } catch (const Poco::TimeoutException&) {
        return Error(Code::Deadline,
                     tried + ": no answer within " + std::to_string(timeout_.count()) + " ms")
            .way_out("the VMM may be stopped or overloaded: look at its log and its process");
    } catch (const Poco::Exception& e) {
        return hung_up(tried, e.displayText());
    }
}

Status Client::healthz() const {
    return no_value(call({"GET", "/healthz", "", ""}));
}

Result<VmInfo> Client::vm() const {
    SEGUE_ASSIGN(const auto body, call({"GET", "/v1/vm", "", ""}));
    return vm_from_json(body);
}

Status Client::pause() const {
    return no_value(call({"POST", "/v1/vm/pause", "", ""}));
}

Status Client::resume() const {
    return no_value(call({"POST", "/v1/vm/resume", "", ""}));
}

Status Client::wakeup() const {
    return no_value(call({"POST", "/v1/vm/wakeup", "", ""}));
}

Status Client::shutdown() const {
    return no_value(call({"POST", "/v1/vm/shutdown", "", ""}));
}

Status Client::set_balloon(std::uint64_t bytes) const {
    return no_value(call({"POST", "/v1/vm/balloon", balloon_to_json(bytes), ""}));
}

Status Client::quit() const {
    return no_value(call({"POST", "/v1/vm/quit", "", ""}));
}

Result<report::UpdateRecord> Client::start_update(const UpdateRequest& request) const {
    SEGUE_ASSIGN(const auto body, call({"POST", "/v1/updates", to_json(request), request.key}));
    return record_from_json(body);
}

Result<report::Verdict> Client::preflight(const UpdateRequest& request) const {
    SEGUE_ASSIGN(const auto body, call({"POST", "/v1/preflight", to_json(request), ""}));
    return verdict_from_json(body);
}

Result<std::vector<report::UpdateRecord>> Client::updates(std::size_t limit) const {
    SEGUE_ASSIGN(const auto body,
                 call({"GET", "/v1/updates?limit=" + std::to_string(limit), "", ""}));
    return records_from_json(body);
}

Result<std::vector<PluginInfo>> Client::plugins() const {
    SEGUE_ASSIGN(const auto body, call({"GET", "/v1/plugins", "", ""}));
    return plugins_from_json(body);
}

Result<report::UpdateRecord> Client::update(const std::string& id) const {
    SEGUE_ASSIGN(const auto body, call({"GET", "/v1/updates/" + id, "", ""}));
    return record_from_json(body);
}

Status Client::cancel_update() const {
    return no_value(call({"DELETE", "/v1/updates/current", "", ""}));
}

Status Client::switch_now() const {
    return no_value(call({"POST", "/v1/updates/current/postcopy", "", ""}));
}

Status Client::recover(const std::string& channel) const {
    UpdateRequest request;
    request.channel = channel;
    return no_value(call({"POST", "/v1/updates/current/recover", to_json(request), ""}));
}

Status Client::resolve(bool here) const {
    return no_value(call({"POST", "/v1/updates/current/resolve", resolution_to_json(here), ""}));
}

} // namespace segue::control
