// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/doctor.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/base/places.hpp"
#include "core/base/version.hpp"
#include "vmm/devices/models.hpp"
#include "vmm/doctor/guest.hpp"
#include "vmm/doctor/host.hpp"
#include "vmm/main/configured_plugins.hpp"

namespace segue::vmm {

namespace {

constexpr int kNo = 3;

bool print(const std::string& title, const Findings& findings) {
    std::printf("%s\n%s", title.c_str(), to_text(findings).c_str());
    return !any_no(findings);
}

// The guest's run folder; where it has none yet, one in its place for a moment.
class RunFolder {
public:
    explicit RunFolder(const std::string& own)
        : path_(own) {
        std::error_code error;
        if (std::filesystem::is_directory(own, error))
            return;
        char name[] = "/dev/shm/segue-doctor.XXXXXX";
        if (::mkdtemp(name) != nullptr)
            path_ = made_ = name;
    }
    ~RunFolder() {
        std::error_code error;
        if (!made_.empty())
            std::filesystem::remove_all(made_, error);
    }
    RunFolder(const RunFolder&) = delete;
    RunFolder& operator=(const RunFolder&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_, made_;
};

Result<Findings> guest_findings(config::GuestConfig& config, const Places& places) {
    SEGUE_ASSIGN(const GuestPlaces own, places.guest(config.name));
    const RunFolder folder(own.run);
    SEGUE_ASSIGN(const auto plugins, ConfiguredPlugins::open(config, folder.path()));
    return look_at_guest(config, *plugins);
}

} // namespace

Result<int> doctor(const Options& options) {
    SEGUE_ASSIGN(const Places places, Places::find(options.run_dir, options.state_dir));
    bool well = print(std::string("this host, as segue-vmm ") + version() + " sees it",
                      look_at_host(places));
    if (!options.config.empty()) {
        SEGUE_ASSIGN(config::GuestConfig config,
                     config::load_guest_config(options.config, options.overrides));
        SEGUE_TRY(config::check_devices(config, device_models()));
        SEGUE_ASSIGN(const Findings found, guest_findings(config, places));
        well = print("guest '" + config.name + "'", found) && well;
    }
    return well ? 0 : kNo;
}

} // namespace segue::vmm
