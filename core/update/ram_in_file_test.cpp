// SPDX-License-Identifier: Apache-2.0
// RAM that is copied into a state file: it comes back as it was, or not at all.
#include "core/update/ram_at_rest_test.hpp"
#include "core/update/rested.hpp"

namespace segue::update {
namespace {

class RamInAFile : public RamAtRest {
protected:
    std::string main() const { return path("main"); }
    void put(const std::string& bytes) const {
        std::fstream file(main(), std::ios::in | std::ios::out | std::ios::binary);
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        file.close();
        std::filesystem::resize_file(main(), bytes.size());
    }
    // Of ram0 in the file.
    static std::uint64_t place(const std::string& file) {
        std::uint64_t at = 0;
        for (const FrameAt& f : frames(file))
            if (f.type == Frame::RamPlaces)
                std::memcpy(&at, &file[f.body], sizeof at);
        return at;
    }
};

TEST_F(RamInAFile, ComesBackFromAFileAsSparseAsItWas) {
    const auto record = update();
    ASSERT_EQ(code_, Code::Ok) << record.error->what();
    EXPECT_EQ(pages_of(old()), std::int64_t(std::size(touched))) << "a hole became a page";
    Image fresh("new", dir_.path().string(), {true, true});
    expect_started(fresh);
    EXPECT_EQ(fresh.record.ram_bytes_copied, std::size(touched) * 4096);
}

TEST_F(RamInAFile, LiesAlignedAndHolesAreHoles) {
    ASSERT_EQ(update().error, std::nullopt);
    const std::string file = content(main());
    const std::uint64_t at = place(file);
    ASSERT_GT(at, 0u);
    EXPECT_EQ(at % (2u << 20), 0u);
    ASSERT_GE(file.size(), at + ram_bytes);
    EXPECT_EQ(std::memcmp(&file[at], old().base(), ram_bytes), 0);
    const UniqueFd fd = sys::open(main(), O_RDONLY).value();
    std::vector<std::uint64_t> there;
    for (sys::Extent e = sys::next_data(fd.get(), at, at + ram_bytes); e.start != e.end;
         e = sys::next_data(fd.get(), e.end, at + ram_bytes))
        for (std::uint64_t page = (e.start - at) / 4096; page < (e.end - at) / 4096; ++page)
            there.push_back(page);
    EXPECT_THAT(there, testing::ElementsAreArray(touched));
}

// As `segue inspect` opens it: without a plugin, and without the pages.
TEST_F(RamInAFile, ItsContainersAreFoundWithoutTheTransport) {
    ASSERT_EQ(update().error, std::nullopt);
    const auto rested = [this] {
        const UniqueFd fd = sys::open(main(), O_RDONLY).value();
        return read_rested(fd.get());
    };
    const auto all = rested();
    ASSERT_TRUE(all && *all) << all.error().what();
    EXPECT_TRUE((*all)->whole);
    EXPECT_TRUE(state::Reader::parse((*all)->manifest));
    EXPECT_TRUE(state::Reader::parse((*all)->state));
    const std::string good = content(main());
    for (const FrameAt& f : frames(good)) { // cut before, in and behind its header
        for (const std::size_t cut : {f.body - 24, f.body - 1, f.body}) {
            put(good.substr(0, cut));
            const auto part = rested();
            EXPECT_FALSE(part && *part && (*part)->whole) << cut;
        }
    }
    put(good + "x");
    EXPECT_EQ(rested().code(), Code::Corrupt);
    put("something else");
    EXPECT_FALSE(rested().value());
}

TEST_F(RamInAFile, WhatHappenedToTheFileIsFoundAtStart) {
    ASSERT_EQ(update().error, std::nullopt);
    const std::string good = content(main());
    const std::uint64_t at = place(good);
    const auto r = runs(good);
    const auto changed = [&](auto change) {
        std::string bytes = good;
        change(bytes);
        return bytes;
    };
    const auto flip = [&](std::size_t where) {
        return changed([&](std::string& b) { b[where] = static_cast<char>(b[where] ^ 1); });
    };
    const std::string one = good.substr(r[3].at, r[3].end - r[3].at);
    const std::string pages = "pages 100 to 103 of RAM block ram0", ram = "of RAM block ram0";
    const struct {
        const char* name;
        std::string bytes, says;
    } bad[] = {
        {"a byte of RAM", flip(at + 101 * 4096 + 77), pages},
        {"a page gone", changed([&](auto& b) { b.replace(at + 2000 * 4096, 4096, 4096, '\0'); }),
         "page 2000 of RAM block ram0"},
        {"two pages swapped", changed([&](auto& b) {
             std::swap_ranges(&b[at + 100 * 4096], &b[at + 101 * 4096], &b[at + 101 * 4096]);
         }),
         pages},
        {"where a run lies", flip(r[3].body + 33), pages},
        {"a run's header", flip(r[3].body + 9), ram},
        {"a run twice", changed([&](auto& b) { b.insert(r[3].at, one); }), pages},
        {"a run lost", changed([&](auto& b) { b.erase(r[3].at, one.size()); }), ram},
        {"two runs swapped",
         changed([&](auto& b) { std::swap_ranges(&b[r[2].at], &b[r[2].end], &b[r[3].at]); }), ram},
        {"where all of it lies", flip(frames(good)[2].body + 2), ""},
        {"where the frames go on", flip(frames(good)[2].end - 6), ""},
        {"the tail lost", good.substr(0, good.size() - 1), ""},
        {"all behind RAM lost", good.substr(0, r[0].at), ""},
        {"more behind the end", good + "x", "behind its end"},
    };
    for (const auto& [name, bytes, says] : bad) {
        SCOPED_TRACE(name);
        put(bytes);
        Image broken("broken", dir_.path().string(), {true, true});
        const Status s = broken.take(from_rest(dir_ / "owner"));
        ASSERT_FALSE(s) << "it started";
        EXPECT_THAT(s.error().what(), HasSubstr(says));
        EXPECT_FALSE(s.error().way_out().empty()) << s.error().what();
        EXPECT_FALSE(broken.vcpus.running);
    }
    put(good);
    Image fresh("new", dir_.path().string(), {true, true});
    const Status s = fresh.take(from_rest(dir_ / "owner"));
    EXPECT_TRUE(s) << s.error().what();
}

// A mode that copies a running guest sends pages again: the last word counts.
TEST_F(RamInAFile, APageThatIsSentAgainIsTheLater) {
    const Session::OpenTransport open = [this](const std::string& name) {
        return old_.plugins.transport(name);
    };
    const plugin::ChannelNeed need{"main", 0, false, 1};
    const std::vector<std::byte> manifest(10);
    Session from(Side::Outgoing, old_.inventory, open);
    from.needs = {need};
    from.lead_in = manifest;
    from.ram_of_block = {SEGUE_RAM_BEFORE};
    Channel* out = from.channel("main", 0).value();
    ASSERT_TRUE(put_pages(from, *out, {0, 0, 0, ram_bytes / 4096}));
    std::memset(old().base() + 101 * 4096, 0xee, 4096);
    std::memset(old().base() + 2000 * 4096, 0, 4096);
    ASSERT_TRUE(put_pages(from, *out, {0, 0, 101, 1}));
    ASSERT_TRUE(put_pages(from, *out, {0, 0, 2000, 1}));
    ASSERT_TRUE(put_pages(from, *out, {}));
    ASSERT_TRUE(out->end(from.wait()));
    ASSERT_TRUE(out->finish(SEGUE_FINISH_SEAL, from.wait()));

    inventory::Inventory there;
    ASSERT_TRUE(there.add(
        inventory::make_block(**old_.plugins.memory("ram0"), "ram0", "memfd", ram_bytes).value()));
    Session to(Side::Incoming, there, open);
    to.needs = {need};
    to.ram_of_block = from.ram_of_block;
    to.received.emplace_back(ram_bytes / 4096);
    ASSERT_EQ(to.receive_manifest().value(), manifest);
    Channel* in = to.channel("main", 0).value();
    segue_pages pages = {};
    do {
        const Status s = get_pages(to, *in, pages);
        ASSERT_TRUE(s) << s.error().what();
    } while (pages.n != 0);
    EXPECT_TRUE(all_received(to));
    EXPECT_TRUE(to.at_end());
    EXPECT_EQ(std::memcmp(there.blocks()[0].base(), old().base(), ram_bytes), 0);
}

} // namespace
} // namespace segue::update
