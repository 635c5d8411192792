// SPDX-License-Identifier: Apache-2.0
#include "core/control/connection.hpp"

#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponseImpl.h>
#include <Poco/Net/HTTPServerSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>

#include <istream>

#include "core/base/log.hpp"
#include "core/control/routes.hpp"

namespace segue::control {
namespace {

namespace net = Poco::Net;

Poco::Timespan timespan(std::chrono::milliseconds time) {
    return Poco::Timespan(std::chrono::microseconds(time).count());
}

net::HTTPServerParams::Ptr params_of(const ServerLimits& limits) {
    net::HTTPServerParams::Ptr params = new net::HTTPServerParams;
    params->setTimeout(timespan(limits.receive));
    params->setKeepAlive(true);
    params->setKeepAliveTimeout(timespan(limits.idle));
    return params;
}

bool timed_out(const net::HTTPServerSession& session) {
    return dynamic_cast<const Poco::TimeoutException*>(session.networkException()) != nullptr;
}

Answer too_slow() {
    return problem(Error(Code::Deadline, "the request did not come whole in time")
                       .way_out("send it at once; docs/reference/rest.md has the limits"),
                   408);
}

// Of what Poco could not read as a request. Its texts are all that tells them apart.
Answer unreadable(const Poco::Exception& e, const net::HTTPServerSession& session) {
    if (timed_out(session))
        return too_slow();
    const bool large = e.message().find("Field") != std::string::npos ||
                       e.message().find("Too many") != std::string::npos;
    return problem(Error(Code::Invalid, "this is no HTTP request: " + e.message())
                       .way_out("the socket speaks HTTP/1.1"),
                   large ? 431 : 400);
}

Answer ask_again() {
    Answer a = problem(Error(Code::Again, "the guest is between two generations of its VMM")
                           .way_out("ask again in a second"));
    a.headers.emplace_back("Retry-After", "1");
    return a;
}

// At most kMaxBody bytes, whatever Content-Length says or chunks bring.
Result<std::string> read_body(net::HTTPServerRequestImpl& request) {
    if (!request.hasContentLength() && !request.getChunkedTransferEncoding())
        return std::string(); // RFC 9112 section 6.3; Poco would read to the end of file
    std::string body(kMaxBody + 1, '\0');
    request.stream().read(body.data(), static_cast<std::streamsize>(body.size()));
    body.resize(static_cast<std::size_t>(request.stream().gcount()));
    if (body.size() > kMaxBody)
        return Error(Code::Invalid,
                     "the request's body has more than " + std::to_string(kMaxBody) + " bytes")
            .way_out("a request is a small object of JSON");
    return body;
}

// Runs on one of the server's threads.
class Connection final : public net::TCPServerConnection {
public:
    Connection(const net::StreamSocket& socket, House& house)
        : TCPServerConnection(socket)
        , house_(house)
        , params_(params_of(house.limits)) {}

    void run() override {
        net::HTTPServerSession session(socket(), params_);
        try {
            while (session.hasMoreRequests())
                if (!serve_one(session))
                    return;
        } catch (const Poco::Exception& e) { // the client has hung up, or does not read
            log::debug("control socket: " + e.displayText());
        }
    }

private:
    // False: the connection ends.
    bool serve_one(net::HTTPServerSession& session) {
        net::HTTPServerResponseImpl response(session);
        response.setVersion(net::HTTPMessage::HTTP_1_1);
        response.setKeepAlive(false);
        try {
            net::HTTPServerRequestImpl request(response, session, params_.get());
            response.setVersion(request.getVersion());
            response.setKeepAlive(request.getKeepAlive());
            if (request.getExpectContinue())
                response.sendContinue();
            const Answer a = answer_to(request, response);
            if (house_.closing || house_.stand_in)
                response.setKeepAlive(false);
            session.setKeepAlive(response.getKeepAlive());
            send(response, a);
            return response.getKeepAlive();
        } catch (const net::NoMessageException&) {
            return false;
        } catch (const net::MessageException& e) {
            send(response, unreadable(e, session));
            return false;
        } catch (const Poco::Exception&) {
            if (!timed_out(session) || response.sent())
                throw;
            send(response, too_slow());
            return false;
        }
    }

    Answer answer_to(net::HTTPServerRequestImpl& request, net::HTTPServerResponse& response) {
        const auto standing = standing_of_peer();
        if (!standing) {
            response.setKeepAlive(false);
            return problem(standing.error(), 403);
        }
        auto body = read_body(request);
        if (!body || request.session().networkException() != nullptr) {
            response.setKeepAlive(false); // the rest of the body is still on its way
            return body ? too_slow() : problem(body.error(), 413);
        }
        if (house_.stand_in)
            return ask_again();
        return answer(house_.service,
                      {request.getMethod(), request.getURI(), std::move(*body),
                       request.get("Idempotency-Key", ""), *standing == Standing::Owner});
    }

    Result<Standing> standing_of_peer() {
        SEGUE_ASSIGN(const auto peer, peer_of(socket().impl()->sockfd()));
        return standing_of(peer, house_.limits.access);
    }

    static void send(net::HTTPServerResponse& out, const Answer& a) {
        out.setStatusAndReason(static_cast<net::HTTPResponse::HTTPStatus>(a.status));
        for (const auto& [key, value] : a.headers)
            out.set(key, value);
        if (a.content_type.empty()) {
            out.setContentLength(0);
            out.send();
            return;
        }
        out.setContentType(a.content_type);
        out.sendBuffer(a.body.data(), a.body.size());
    }

    House& house_;
    net::HTTPServerParams::Ptr params_;
};

class Connections final : public net::TCPServerConnectionFactory {
public:
    explicit Connections(House& house)
        : house_(house) {}
    net::TCPServerConnection* createConnection(const net::StreamSocket& socket) override {
        return new Connection(socket, house_);
    }

private:
    House& house_;
};

} // namespace

net::TCPServerConnectionFactory* make_connections(House& house) {
    return new Connections(house);
}

} // namespace segue::control
