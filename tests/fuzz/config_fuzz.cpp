// SPDX-License-Identifier: Apache-2.0
// Any text as a --set (its first line) and a guest's configuration (the rest): refused, or printed
// so that it reads back as the same guest.
#include <cstdio>
#include <cstdlib>

#include "core/config/guest_config.hpp"
#include "core/config/identity.hpp"
#include "core/config/override.hpp"

namespace {

using namespace segue;
using namespace segue::config;

void use(Document document) {
    const auto config = check_guest_config(std::move(document));
    if (!config)
        return;
    const std::string printed = effective(config->settings);
    auto again = parse_toml(printed, "printed");
    auto same = again ? check_guest_config(std::move(*again))
                      : Result<GuestConfig>(std::move(again).error());
    if (!same || identity_of(same->settings) != identity_of(config->settings)) {
        std::fprintf(stderr, "%s\n%s\n", printed.c_str(),
                     same ? "another identity" : same.error().what().c_str());
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto first = text.substr(0, text.find('\n'));
    auto document = parse_toml(text.substr(first.size()), "fuzz");
    if (!document)
        return 0;
    use(*document);
    if (apply_override(*document, first))
        use(std::move(*document));
    return 0;
}
