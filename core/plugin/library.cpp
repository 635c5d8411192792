// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/library.hpp"

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include <exception>
#include <memory>
#include <vector>

#include "core/base/trusted.hpp"

namespace segue::plugin {

namespace {

// shared_library closes the library at its end, so these have none: the list is never destroyed.
void keep_forever(std::unique_ptr<boost::dll::shared_library> library) {
    static auto* const kept = new std::vector<std::unique_ptr<boost::dll::shared_library>>();
    kept->push_back(std::move(library));
}

} // namespace

Result<const segue_plugin*> open_library(const std::filesystem::path& path) {
    SEGUE_ASSIGN(const std::filesystem::path real, trusted_file(path));
    try {
        auto library = std::make_unique<boost::dll::shared_library>(
            real, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
        if (!library->has(SEGUE_ENTRY_SYMBOL))
            return Error(Code::Refused,
                         "load " + real.string() + ": it exports no " SEGUE_ENTRY_SYMBOL)
                .way_out("build it with segue_add_plugin() and export it by SEGUE_EXPORT_...");
        const auto* entry = &library->get<const segue_plugin>(SEGUE_ENTRY_SYMBOL);
        keep_forever(std::move(library));
        return entry;
    } catch (const std::exception& e) {
        return Error(Code::Refused, "load " + real.string() + ": " + e.what())
            .way_out("build the plugin again for this system");
    }
}

} // namespace segue::plugin
