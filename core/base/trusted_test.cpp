// SPDX-License-Identifier: Apache-2.0
#include "core/base/trusted.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace segue {
namespace {

class Trusted : public testing::Test {
protected:
    Trusted() {
        char name[] = "/tmp/segue-trusted-XXXXXX";
        dir_ = ::mkdtemp(name);
        std::ofstream(dir_ / "file") << "x";
        ::chmod((dir_ / "file").c_str(), 0644);
    }
    ~Trusted() override { std::filesystem::remove_all(dir_); }
    std::filesystem::path dir_;
};

TEST_F(Trusted, GivesTheRealPath) {
    std::filesystem::create_symlink(dir_ / "file", dir_ / "link");
    const auto real = trusted_file(dir_ / "link");
    ASSERT_TRUE(real);
    EXPECT_EQ(*real, std::filesystem::canonical(dir_ / "file"));
}

TEST_F(Trusted, RefusesWhatOthersCanWrite) {
    ::chmod((dir_ / "file").c_str(), 0664);
    const auto file = trusted_file(dir_ / "file");
    ASSERT_EQ(file.code(), Code::Refused);
    EXPECT_NE(file.error().way_out().find("chmod go-w"), std::string::npos);
    ::chmod((dir_ / "file").c_str(), 0644);
    ::chmod(dir_.c_str(), 0777);
    EXPECT_EQ(trusted_file(dir_ / "file").code(), Code::Refused);
}

TEST_F(Trusted, NamesWhatIsMissing) {
    const auto none = trusted_file(dir_ / "none");
    ASSERT_EQ(none.code(), Code::NotFound);
    EXPECT_NE(none.error().what().find("none"), std::string::npos);
}

} // namespace
} // namespace segue
