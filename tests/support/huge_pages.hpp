// SPDX-License-Identifier: Apache-2.0
// huge_pages.hpp - for tests: more huge pages of 2 MiB in the host's pool, for as long as this
// lives.
#pragma once

#include <fcntl.h>
#include <sys/file.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include <segue/cpp/unique_fd.hpp>

namespace segue::test {

// One test at a time, over all test programs; the pool is as before afterwards.
class HugePages {
public:
    explicit HugePages(unsigned pages)
        : turn_(::open(kDir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        ::flock(turn_.get(), LOCK_EX);
        before_ = read();
        write(before_ + pages);
        there_ = turn_ && read() == before_ + pages;
    }
    // What a process that is still ending holds would be taken for part of the pool by the next.
    ~HugePages() {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        for (write(before_); read() > before_ && std::chrono::steady_clock::now() < until;) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            write(before_);
        }
    }
    HugePages(const HugePages&) = delete;
    HugePages& operator=(const HugePages&) = delete;

    // False: not root, or the host's memory is in pieces.
    bool there() const { return there_; }
    // Of the whole pool, in pages.
    static unsigned unused() { return read("free_hugepages"); }

private:
    static constexpr const char* kDir = "/sys/kernel/mm/hugepages/hugepages-2048kB";
    static unsigned read(const char* file = "nr_hugepages") {
        unsigned n = 0;
        std::ifstream(std::string(kDir) + "/" + file) >> n;
        return n;
    }
    static void write(unsigned n) { std::ofstream(std::string(kDir) + "/nr_hugepages") << n; }

    UniqueFd turn_;
    unsigned before_ = 0;
    bool there_ = false;
};

} // namespace segue::test
