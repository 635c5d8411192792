// SPDX-License-Identifier: Apache-2.0
// RAM that is copied into a state at rest: it comes back as it was, or not at all.
#include <gmock/gmock.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "core/update/at_rest_test.hpp"
#include "core/update/pages.hpp"

namespace segue::update {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t ram_bytes = 8u << 20;
constexpr std::uint64_t touched[] = {1, 100, 101, 102, 103, 2000}; // pages

// A frame of a kept stream: [at, end).
struct FrameAt {
    Frame type;
    std::size_t at, body, end;
};

std::string content(const std::string& path) {
    std::ostringstream all;
    all << std::ifstream(path, std::ios::binary).rdbuf();
    return all.str();
}

std::vector<FrameAt> frames(const std::string& stream) {
    std::vector<FrameAt> all;
    for (std::size_t at = 0; at + 24 <= stream.size();) {
        std::uint32_t type = 0;
        std::uint64_t length = 0;
        std::memcpy(&type, &stream[at + 4], sizeof type);
        std::memcpy(&length, &stream[at + 16], sizeof length);
        all.push_back({Frame(type), at, at + 24, at + 24 + length});
        at = all.back().end;
    }
    return all;
}

std::vector<FrameAt> runs(const std::string& stream) {
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

TEST_F(RamAtRest, ComesBackFromAFileAsSparseAsItWas) {
    const auto record = update();
    ASSERT_EQ(code_, Code::Ok) << record.error->what();
    EXPECT_EQ(pages_of(old()), std::int64_t(std::size(touched))) << "a hole became a page";
    Image fresh("new", dir_.path().string(), {true, true});
    expect_started(fresh);
    EXPECT_EQ(fresh.record.ram_bytes_copied, std::size(touched) * 4096);
}

TEST_F(RamAtRest, ComesBackThroughCommandsAsSparseAsItWas) {
    keep(old_.plugins, "gzip > kept", "gzip -dc kept");
    const auto record = update();
    ASSERT_EQ(code_, Code::Ok) << record.error->what();
    Image fresh("new", dir_.path().string(), {true, true});
    keep(fresh.plugins, "false", "gzip -dc kept");
    expect_started(fresh);
}

// Shell commands that change the `whole` stream into `kept`. The streams of two attempts have their
// runs at the same places.
struct Damage {
    std::string name, command, says;
};

std::vector<Damage> damages(const std::string& stream) {
    const auto r = runs(stream);
    const auto all = frames(stream);
    const auto cut = [](std::size_t from, std::size_t to) {
        return "tail -c +" + std::to_string(from + 1) + " whole | head -c " +
               std::to_string(to - from) + "; ";
    };
    const std::string head = "head -c " + std::to_string(r[3].at) + " whole; ";
    const auto rest = [&](std::size_t from) { return cut(from, stream.size()); };
    const std::string run = cut(r[3].at, r[3].end), next = cut(r[4].at, r[4].end);
    const auto flip = [&](std::size_t at) {
        return "head -c " + std::to_string(at) + " whole; printf '\\377'; " + rest(at + 1);
    };
    const std::string pages = "pages 100 to 103 of RAM block ram0";
    return {
        {"a byte of RAM", flip(r[3].body + 48 + 5000), pages},
        {"the page that it begins with", flip(r[3].body + 8), "of RAM block ram0"},
        {"its checksum", flip(r[3].body + 40), pages},
        {"a zero run's length", flip(r[2].body + 16), "of RAM block ram0"},
        {"the trailer", flip(all[all.size() - 3].body + 30), "RAM"},
        {"a run lost", head + rest(r[3].end), "of RAM block ram0"},
        {"a run twice", head + run + run + rest(r[3].end), pages},
        {"two runs swapped", head + next + run + rest(r[4].end), "of RAM block ram0"},
        {"the last byte lost", cut(0, stream.size() - 1), ""},
        {"no end", cut(0, all.back().at), ""},
        {"no state", cut(0, all[all.size() - 2].at) + rest(all.back().at), ""},
        {"more behind the end", "cat whole; echo; ", "behind its end"},
    };
}

class RamByCommand : public RamAtRest {
protected:
    // The stream of an update that fails afterwards.
    std::string stream() {
        keep(old_.plugins, "cat > whole", "cat whole; false");
        update();
        EXPECT_NE(code_, Code::Ok) << "the exit code of 'in' counts";
        return content(path("whole"));
    }
};

TEST_F(RamByCommand, WhatACommandDidToRamIsAFailedUpdate) {
    const auto all = damages(stream());
    for (const Damage& d : all) {
        keep(old_.plugins, "cat > whole; { " + d.command + "} > kept", "cat kept");
        const auto record = update();
        expect_unharmed(record);
        EXPECT_THAT(record.error->what(), HasSubstr(d.says)) << d.name;
        EXPECT_EQ(record.error->detail("phase"), "handover") << d.name;
    }
    keep(old_.plugins, "cat > whole; { cat whole; } > kept", "cat kept");
    update();
    EXPECT_EQ(code_, Code::Ok) << "and without damage it goes well";
}

TEST_F(RamByCommand, WhatHappenedToItAfterwardsIsFoundAtStart) {
    const auto all = damages(stream());
    keep(old_.plugins, "cat > whole; cat whole > kept", "cat kept");
    ASSERT_EQ(update().error, std::nullopt);
    for (const Damage& d : all) {
        SCOPED_TRACE(d.name);
        Image broken("broken", dir_.path().string(), {true, true});
        keep(broken.plugins, "false", "{ " + d.command + "}");
        const Status s = broken.take(from_rest(dir_ / "owner"));
        ASSERT_FALSE(s) << "it started";
        EXPECT_THAT(s.error().what(), HasSubstr(d.says));
        EXPECT_FALSE(broken.vcpus.running);
    }
    Image fresh("new", dir_.path().string(), {true, true});
    keep(fresh.plugins, "false", "cat kept");
    expect_started(fresh);
}

TEST_F(RamByCommand, TheExitCodeOfTheCommandThatGivesItBackCounts) {
    keep(old_.plugins, "cat > kept", "cat kept");
    ASSERT_EQ(update().error, std::nullopt);
    Image broken("broken", dir_.path().string(), {true, true});
    keep(broken.plugins, "false", "cat kept; echo bad tape >&2; exit 3");
    const Status s = broken.take(from_rest(dir_ / "owner"));
    ASSERT_FALSE(s);
    EXPECT_THAT(s.error().what(), HasSubstr("exited with 3: bad tape"));
    EXPECT_FALSE(broken.vcpus.running);
}

} // namespace
} // namespace segue::update
