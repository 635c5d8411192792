// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

namespace page_flip {

using namespace segue;

Result<Settings> Settings::read(const Config& config) {
    SEGUE_ASSIGN(const std::string strategy, config.text("strategy"));
    if (strategy != "convert")
        return Error(Code::Invalid, "strategy = \"" + strategy + "\" is not known")
            .way_out("set update.options.page-flip.strategy to convert");
    SEGUE_ASSIGN(const std::uint64_t stop, config.number("chunk_stop"));
    return Settings{std::chrono::microseconds(stop)};
}

} // namespace page_flip
