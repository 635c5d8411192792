// SPDX-License-Identifier: Apache-2.0
// upgrade_test.cpp - a package upgrade under a running guest: the VMM and every plugin on the disk
// are replaced by a release whose version and one draft of the ABI differ; then the guest moves to
// it.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPlugins = "lib/segue/plugins";

// As a package manager does it: a new file beside the old one, then its name.
void replace(const fs::path& from, const fs::path& to) {
    fs::create_directories(to.parent_path());
    const fs::path fresh = to.string() + ".dpkg-new";
    fs::copy_file(from, fresh, fs::copy_options::overwrite_existing);
    fs::rename(fresh, to);
}

void install(const fs::path& release, const fs::path& prefix) {
    replace(release / "bin/segue-vmm", prefix / "bin/segue-vmm");
    for (const auto& entry : fs::recursive_directory_iterator(release / kPlugins))
        if (entry.is_regular_file())
            replace(entry.path(), prefix / fs::relative(entry.path(), release));
}

std::string draft_of_keeper(const fs::path& prefix) {
    std::ifstream manifest(prefix / kPlugins / "keeper/exec.toml");
    const std::string text{std::istreambuf_iterator<char>(manifest), {}};
    const auto at = text.find("segue.keeper.draft/");
    return at == text.npos ? "" : text.substr(at, text.find('"', at) - at);
}

class Upgrade : public UpdateTest, public testing::WithParamInterface<const char*> {};

TEST_P(Upgrade, UnderARunningGuest) {
    const TempDir dir;
    const fs::path prefix = dir.path();
    install(SEGUE_BUILD, prefix);
    test::GuestSpec spec = spec_for(GetParam());
    spec.vmm = prefix / "bin/segue-vmm";
    boot(spec);
    const std::string before = vm_.version, draft = draft_of_keeper(prefix);
    install(SEGUE_BUILD "/demo/next", prefix);
    ASSERT_NE(draft_of_keeper(prefix), draft) << "the two releases have the same drafts";
    const report::UpdateRecord r = update();
    ASSERT_EQ(r.status, report::UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_NE(vm_.version, before);
    EXPECT_EQ(vm_.version, r.to_version);
    if (r.mode == "postcopy") {
        ASSERT_TRUE(r.faults);
        EXPECT_GT(r.faults->faults, 0u) << "all of it fitted into the pause";
    }
    EXPECT_TRUE(guest_->page().verify(patience()));
    EXPECT_EQ(guest_->page().errors(), "");
    EXPECT_EQ(guest_->page().boots(), 1u);
    // The release that is on the disk now moves the guest on, too.
    EXPECT_EQ(update().status, report::UpdateStatus::Completed);
    EXPECT_TRUE(guest_->page().verify(patience()));
}

INSTANTIATE_TEST_SUITE_P(Modes, Upgrade, every_mode(), mode_name);

} // namespace
} // namespace segue::integration
