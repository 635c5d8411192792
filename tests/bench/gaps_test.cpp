// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/gaps.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

#include <filesystem>
#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/base/temp_dir.hpp"
#include "core/observer/page.h"

namespace segue::bench {
namespace {

using namespace std::chrono_literals;

class GapsTest : public testing::Test {
protected:
    GapsTest() {
        std::ofstream(path_).write("", 0);
        std::filesystem::resize_file(path_, SEGUE_PAGE_GPA + SEGUE_PAGE_BYTES);
        auto fd = sys::open(path_, O_RDWR);
        map_ = Mapping::make(SEGUE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(),
                             SEGUE_PAGE_GPA, "page")
                   .value();
        page().header.vcpus = 2;
        page().header.tsc_khz = 2'000'000;
    }
    segue_page& page() { return *reinterpret_cast<segue_page*>(map_.data()); }

    TempDir dir_;
    std::string path_ = dir_ / "ram";
    Mapping map_;
};

TEST_F(GapsTest, TheLongestOfAllVcpusIsTakenOnce) {
    auto gaps = Gaps::of({path_, 0});
    ASSERT_TRUE(gaps) << gaps.error().what();
    page().slot[0].gap_cycles = 4000;
    page().slot[1].gap_cycles = 10'000;
    page().slot[2].gap_cycles = 99'000; // no vCPU of this guest
    EXPECT_DOUBLE_EQ(gaps->take_us(), 5);
    EXPECT_DOUBLE_EQ(gaps->take_us(), 0);
}

TEST_F(GapsTest, AClockThatStoodStillIsFoundOut) {
    observer::Measurement seen;
    seen.blackout.length = 500us;
    seen.blackout.end = 600us;
    seen.end = 900us;
    EXPECT_TRUE(check_gap(501, seen).ok());
    EXPECT_TRUE(check_gap(300, seen).ok()); // and 200 before it counted
    EXPECT_EQ(check_gap(200, seen).code(), Code::Corrupt);
    seen.end = 600us; // it stands still now: the gap is not over
    EXPECT_TRUE(check_gap(200, seen).ok());
}

} // namespace
} // namespace segue::bench
