// SPDX-License-Identifier: Apache-2.0
// ram_at_rest_test.hpp - a sparse guest whose RAM is copied into a state at rest, and what such a
// state looks like from outside.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/update/at_rest_test.hpp"
#include "core/update/pages.hpp"

namespace segue::update {

using testing::HasSubstr;

inline constexpr std::uint64_t ram_bytes = 8u << 20;
inline constexpr std::uint64_t touched[] = {1, 100, 101, 102, 103, 2000}; // pages

// A frame of a kept stream: [at, end).
struct FrameAt {
    Frame type;
    std::size_t at, body, end;
};

inline std::string content(const std::string& path) {
    std::ostringstream all;
    all << std::ifstream(path, std::ios::binary).rdbuf();
    return all.str();
}

inline std::vector<FrameAt> frames(const std::string& stream) {
    std::vector<FrameAt> all;
    for (std::size_t at = 0; at + 24 <= stream.size();) {
        std::uint32_t type = 0;
        std::uint64_t length = 0;
        std::memcpy(&type, &stream[at + 4], sizeof type);
        std::memcpy(&length, &stream[at + 16], sizeof length);
        all.push_back({Frame(type), at, at + 24, at + 24 + length});
        at = all.back().end;
        if (Frame(type) == Frame::RamPlaces) { // the last of its words: where the frames go on
            std::uint64_t end = 0;
            std::memcpy(&end, &stream[at - sizeof end], sizeof end);
            at = end;
        }
    }
    return all;
}

inline std::vector<FrameAt> runs(const std::string& stream) {
    auto all = frames(stream);
    all.erase(std::remove_if(all.begin(), all.end(),
                             [](const FrameAt& f) { return f.type != Frame::Pages; }),
              all.end());
    return all;
}

class RamAtRest : public AtRest {
protected:
    RamAtRest()
        : AtRest(RestMode(true, true), ram_bytes) {
        save_ = true;
        for (const std::uint64_t p : touched)
            std::memset(old().base() + p * 4096, static_cast<int>(p % 251 + 1), 4096);
    }
    const inventory::RamBlock& old() const { return old_.inventory.blocks()[0]; }
    static std::int64_t pages_of(const inventory::RamBlock& b) {
        return sys::stat(b.fd.get())->st_blocks / 8;
    }
    std::string path(const char* name) const { return dir_ / name; }
    void keep(RestPlugins& plugins, const std::string& out, const std::string& in) const {
        plugins.out = "cd " + dir_.path().string() + "; " + out;
        plugins.in = "cd " + dir_.path().string() + "; " + in;
    }
    // The guest is there, with all its RAM and no page more.
    void expect_started(Image& image) {
        const Status s = image.take(from_rest(dir_ / "owner"));
        ASSERT_TRUE(s) << s.error().what();
        EXPECT_TRUE(image.vcpus.running);
        const inventory::RamBlock& b = image.inventory.blocks()[0];
        EXPECT_EQ(pages_of(b), std::int64_t(std::size(touched))) << "a hole became a page";
        EXPECT_EQ(std::memcmp(b.base(), old().base(), ram_bytes), 0);
    }
};

} // namespace segue::update
