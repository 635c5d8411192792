// SPDX-License-Identifier: Apache-2.0
// RAM that is given to a command: it comes back as it was, or the guest never left.
#include "core/update/ram_at_rest_test.hpp"

namespace segue::update {
namespace {

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
        {"the state twice", cut(0, all.back().at) + cut(all[all.size() - 2].at, stream.size()),
         "not whole"},
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

TEST_F(RamByCommand, ComesBackThroughCommandsAsSparseAsItWas) {
    keep(old_.plugins, "gzip > kept", "gzip -dc kept");
    const auto record = update();
    ASSERT_EQ(code_, Code::Ok) << record.error->what();
    Image fresh("new", dir_.path().string(), {true, true});
    keep(fresh.plugins, "false", "gzip -dc kept");
    expect_started(fresh);
}

TEST_F(RamByCommand, WhatACommandDidToRamIsAFailedUpdate) {
    const auto all = damages(stream());
    for (const Damage& d : all) {
        keep(old_.plugins, "cat > whole; { " + d.command + "} > kept", "cat kept");
        const auto record = update();
        expect_unharmed(record);
        ASSERT_TRUE(record.error) << d.name;
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
