// SPDX-License-Identifier: Apache-2.0
// throws_transport.cpp - transport "throws": its factory does.
#include <stdexcept>

#include <segue/cpp/transport.hpp>

namespace {

using namespace segue;

class Throws final : public Transport {
public:
    static Result<std::unique_ptr<Throws>> create(const Config&, const Host&) {
        throw std::runtime_error("its factory threw");
    }
    Result<std::unique_ptr<Listener>> listen() override { return Error(Code::Internal, "never"); }
    Status connect(std::unique_ptr<Channel>&) override { return {}; }
};

constexpr Info info = {.summary = "throws in its factory",
                       .caps = SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_BIDIRECTIONAL};

} // namespace

SEGUE_EXPORT_TRANSPORT(Throws, info);
