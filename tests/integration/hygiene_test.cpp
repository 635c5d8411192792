// SPDX-License-Identifier: Apache-2.0
// hygiene_test.cpp - what a VMM leaves for others to see: names of threads, rights of files.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

namespace fs = std::filesystem;

// A umask that keeps nothing back, so that what a file may is what its maker asked for.
class Hygiene : public UpdateTest {
protected:
    Hygiene()
        : before_(::umask(0)) {}
    ~Hygiene() override { ::umask(before_); }

    static test::GuestSpec spec() {
        test::GuestSpec s = usual_spec();
        s.modes = {"cpr-transfer", "cpr-exec", "cpr-reboot"};
        s.backend = "file";
        s.at_rest = "transport = 'file'";
        return s;
    }
    // Names of threads, and how many have each; the main thread left out.
    std::map<std::string, int> threads() const {
        std::map<std::string, int> all;
        const std::string self = std::to_string(vm_.pid);
        for (const auto& task : fs::directory_iterator("/proc/" + self + "/task")) {
            std::string name;
            std::getline(std::ifstream(task.path() / "comm"), name);
            if (task.path().filename() != self && !name.empty())
                ++all[name];
        }
        return all;
    }
    // Of everything in the guest's folders: what others than its owner may.
    std::vector<std::string> open_to_others() const {
        std::vector<std::string> all;
        for (const std::string& folder : {guest_->places().run, guest_->places().state})
            for (const auto& entry : fs::recursive_directory_iterator(folder)) {
                struct stat s = {};
                if (::lstat(entry.path().c_str(), &s) == 0 && (s.st_mode & 077) != 0)
                    all.push_back(entry.path().filename());
            }
        struct stat ram = {};
        if (::stat((*guest_ / "ram0").c_str(), &ram) != 0 || (ram.st_mode & 077) != 0)
            all.emplace_back("ram0");
        return all;
    }

private:
    mode_t before_;
};

TEST_F(Hygiene, EveryThreadHasANameOfItsOwnKindAndEveryFileIsTheOwners) {
    boot(spec());
    for (const char* mode : {"", "cpr-transfer", "cpr-exec", "cpr-reboot"}) {
        if (*mode != '\0') {
            ASSERT_NO_FATAL_FAILURE(move({mode, "", ""}));
        }
        const auto named = threads();
        EXPECT_EQ(named.count("segue-vmm"), 0u) << "a thread without a name, after " << mode;
        EXPECT_EQ(named.count("vcpu0"), 1u) << mode;
        EXPECT_THAT(open_to_others(), testing::IsEmpty()) << "after " << mode;
    }
}

} // namespace
} // namespace segue::integration
