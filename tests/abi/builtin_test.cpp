// SPDX-License-Identifier: Apache-2.0
// segue-plugin-check, the program, passes for every plugin of this build.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/base/spawn.hpp"
#include "core/plugin/registry.hpp"
#include "tests/support/huge_pages.hpp"
#include "tests/support/temp_dir.hpp"

namespace segue {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

struct Ran {
    int code = -1;
    std::string out;
};

Ran run(Words words) {
    words.insert(words.begin(), SEGUE_PLUGIN_CHECK);
    const auto file = sys::memfd("out", 0).value();
    const auto child = spawn({words, "", {{file.get(), 1}, {file.get(), 2}}, false});
    EXPECT_TRUE(child) << child.error().what();
    const auto exit = wait_exit(*child, Deadline::in(std::chrono::seconds(100)));
    EXPECT_TRUE(exit) << exit.error().what();
    Ran r{exit ? exit->code : -1, ""};
    r.out.resize(static_cast<std::size_t>(sys::stat(file.get())->st_size));
    EXPECT_TRUE(sys::pread_all(file.get(), std::as_writable_bytes(std::span(r.out)), 0));
    return r;
}

// What a plugin cannot be used without. `dir` has a file "psk".
Words options_of(const std::string& plugin, const test::TempDir& dir) {
    if (plugin == "transport/tcp")
        return {"--options", "address=127.0.0.1:{port}"};
    if (plugin == "transport/tls")
        return {"--options", "address=127.0.0.1:{port}", "psk=" + dir / "psk", "psk_identity=x"};
    if (plugin == "transport/fd")
        return {"--options", "out={socket:1}", "in={socket:2}"};
    if (plugin == "transport/exec")
        return {"--options", "out=cat > {dir}/state", "in=cat {dir}/state"};
    return {};
}

TEST(PluginCheck, EveryBuiltInPasses) {
    const test::HugePages pages(8);
    ASSERT_TRUE(pages.there());
    const auto found = plugin::Registry::search({plugin::builtin_dir().value()});
    ASSERT_TRUE(found) << found.error().what();
    EXPECT_GE(found->manifests().size(), 14u);
    const test::TempDir dir;
    std::ofstream(dir / "psk") << std::string(64, 'a');
    std::filesystem::permissions(dir / "psk", std::filesystem::perms::owner_read);
    for (const plugin::Manifest& m : found->manifests()) {
        if (m.name() == "memory/dax") // needs a device: tests/lab/cases/dax.sh
            continue;
        Words words = options_of(m.name(), dir);
        words.insert(words.begin(), m.library);
        const Ran r = run(words);
        EXPECT_EQ(r.code, 0) << r.out;
        EXPECT_THAT(r.out, HasSubstr(m.name() + " " + m.version));
        EXPECT_THAT(r.out, HasSubstr(", 0 failed"));
    }
}

TEST(PluginCheck, TheExamplesPassToo) {
    for (const char* file : {"/memory/c-memory.so", "/memory/minimal-memory.so"}) {
        const Ran r = run({SEGUE_TEST_PLUGINS + std::string(file)});
        EXPECT_EQ(r.code, 0) << r.out;
    }
}

TEST(PluginCheck, ABrokenOneIsExitCodeOne) {
    const std::string bad = SEGUE_TEST_PLUGINS "/transport/bad.so";
    const Ran table =
        run({bad, "--only", "check-creates-nothing", "--options", "dir={dir}", "way=check"});
    EXPECT_EQ(table.code, 1);
    EXPECT_THAT(table.out, HasSubstr("FAILED  check-creates-nothing"));
    EXPECT_THAT(table.out, HasSubstr("check() left something: file left"));
    EXPECT_THAT(table.out, HasSubstr("the ABI: "));
    const Ran json = run(
        {bad, "--only", "check-creates-nothing", "--json", "--options", "dir={dir}", "way=check"});
    EXPECT_EQ(json.code, 1);
    EXPECT_THAT(json.out, HasSubstr("\"passed\": false"));
    EXPECT_THAT(json.out, HasSubstr("\"verdict\": \"failed\""));
}

TEST(PluginCheck, SaysWhatItNeeds) {
    const Ran missing = run({SEGUE_TEST_PLUGINS "/transport/bad.so"});
    EXPECT_EQ(missing.code, 1);
    EXPECT_THAT(missing.out, HasSubstr("option 'dir' (a folder) is required"));
    EXPECT_THAT(missing.out, HasSubstr("--options dir=VALUE"));
    EXPECT_EQ(run({}).code, 2);
    EXPECT_EQ(run({"/none.so"}).code, 2);
    EXPECT_EQ(run({"/none.so", "--frobnicate"}).code, 2);
    EXPECT_EQ(run({SEGUE_TEST_PLUGINS "/transport/bad.so", "--only", "x"}).code, 2);
    const Ran list = run({"--list"});
    EXPECT_EQ(list.code, 0);
    EXPECT_THAT(list.out, HasSubstr("carries-every-byte"));
    EXPECT_THAT(list.out, HasSubstr("plans-what-it-declares"));
}

} // namespace
} // namespace segue
