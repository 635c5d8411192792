// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_vsock/greeting.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string_view>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

constexpr std::string_view kVerb = "CONNECT ";

std::optional<std::uint32_t> port_of(std::string_view line) {
    std::uint32_t port = 0;
    if (line.substr(0, kVerb.size()) != kVerb || line.back() != '\n')
        return std::nullopt;
    line = line.substr(kVerb.size(), line.size() - kVerb.size() - 1);
    const auto end = std::from_chars(line.data(), line.data() + line.size(), port);
    if (end.ec != std::errc() || end.ptr != line.data() + line.size() || line.empty())
        return std::nullopt;
    return port;
}

// Appends what is there of the line, its end with it; 0: nothing is there yet, -1: nothing will be.
ssize_t read_some(int socket, std::vector<std::byte>& line) {
    std::array<std::byte, kGreetingBytes> some;
    const std::size_t most = some.size() - line.size();
    const auto n =
        sys::retry([&] { return ::recv(socket, some.data(), most, MSG_PEEK | MSG_DONTWAIT); });
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        return -1;
    auto end = std::find(some.begin(), some.begin() + n, std::byte{'\n'});
    end += end != some.begin() + n ? 1 : 0;
    line.insert(line.end(), some.begin(), end);
    return ::recv(socket, some.data(), static_cast<std::size_t>(end - some.begin()), MSG_DONTWAIT);
}

} // namespace

Result<std::optional<std::uint32_t>> read_greeting(int socket, std::vector<std::byte>& line) {
    while (line.size() < kGreetingBytes) {
        const auto n = read_some(socket, line);
        if (n == 0)
            return std::optional<std::uint32_t>();
        if (n < 0)
            break;
        if (line.back() != std::byte{'\n'})
            continue;
        const auto port = port_of({reinterpret_cast<const char*>(line.data()), line.size()});
        if (!port)
            break;
        return port;
    }
    return Error(Code::Closed, "the other side does not say to which port it wants");
}

} // namespace segue::vmm
