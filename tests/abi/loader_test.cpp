// SPDX-License-Identifier: Apache-2.0
// What the loader and the adapters refuse, and how they say it.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include <segue/cpp/sys.hpp>

#include "core/plugin/adapters/keeper.hpp"
#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

namespace fs = std::filesystem;
using plugin::Keeper;

const fs::path built = SEGUE_TEST_PLUGINS "/keeper";

std::string read(const fs::path& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

class Load : public testing::Test {
protected:
    // Copies a built keeper to a folder of its own, with one text of its manifest replaced.
    fs::path copy(const std::string& id, const std::string& from = "", const std::string& to = "",
                  const std::string& binary = "") {
        const fs::path dir = dir_.path() / std::to_string(copies_++);
        fs::create_directory(dir);
        fs::copy(built / ((binary.empty() ? id : binary) + ".so"), dir / (id + ".so"));
        std::string text = read(built / (id + ".toml"));
        if (!from.empty()) {
            const auto at = text.find(from);
            EXPECT_NE(at, std::string::npos) << from;
            text.replace(at, from.size(), to);
        }
        std::ofstream(dir / (id + ".toml")) << text;
        return dir;
    }
    Error refused(const fs::path& dir, const std::string& name) {
        test::OpenPlugins plugins({dir});
        auto loaded = plugins.load(name);
        EXPECT_FALSE(loaded);
        return loaded ? Error(Code::Ok, "") : loaded.error();
    }

    test::TempDir dir_;
    int copies_ = 0;
};

TEST_F(Load, APluginInPlainCWorks) {
    test::OpenPlugins plugins({SEGUE_TEST_PLUGINS});
    auto keeper = plugins.make<Keeper>("keeper/plain-c");
    ASSERT_TRUE(keeper) << keeper.error().what();
    const auto event = sys::event(3);
    const segue_item items[] = {{"one", event->get(), 0}};
    EXPECT_TRUE(keeper->check(items));
    ASSERT_TRUE(keeper->hold(items));
    auto back = keeper->take();
    ASSERT_TRUE(back) << back.error().what();
    ASSERT_EQ(back->size(), 1u);
    EXPECT_EQ((*back)[0].name, "one");
    std::uint64_t count = 0;
    ASSERT_EQ(::read((*back)[0].fd.get(), &count, sizeof count), 8);
    EXPECT_EQ(count, 3u);
    const std::vector<segue_item> many(17, items[0]);
    const Status full = keeper->check(many);
    ASSERT_EQ(full.code(), Code::Refused);
    EXPECT_NE(full.error().what().find("17 descriptors"), std::string::npos);
}

TEST_F(Load, ALieInTheManifestIsRefusedByField) {
    const struct {
        const char *field, *from, *to;
    } lies[] = {{"version", "version = \"", "version = \"9"},
                {"caps", "[\"exec\"]", "[\"exec\", \"kernel\"]"},
                {"licence", "Apache-2.0", "MIT"},
                {"wire_rev", "wire_rev = 0", "wire_rev = 1"},
                {"option", "rule to break", "rule to keep"}};
    for (const auto& lie : lies) {
        const Error e = refused(copy("rude", lie.from, lie.to), "keeper/rude");
        EXPECT_EQ(e.code(), Code::Refused) << lie.field;
        EXPECT_EQ(e.detail("field"), lie.field) << e.what();
        EXPECT_EQ(e.detail("plugin"), "keeper/rude");
        EXPECT_NE(e.way_out(), "");
    }
}

TEST_F(Load, AnotherEntryRevisionIsRefused) {
    const Error e = refused(copy("plain-c", "", "", "other-revision"), "keeper/plain-c");
    EXPECT_EQ(e.code(), Code::Refused);
    EXPECT_NE(e.what().find("keeper/plain-c"), std::string::npos) << e.what();
    EXPECT_NE(e.what().find("revision 99"), std::string::npos) << e.what();
}

TEST_F(Load, AnUnknownKindOfTableIsRefused) {
    const fs::path dir = copy("plain-c", "segue.keeper.draft/1", "segue.keeper.draft/2");
    const auto found = plugin::Registry::search({dir});
    ASSERT_EQ(found.code(), Code::Unsupported);
    EXPECT_NE(found.error().what().find("segue.keeper.draft/2"), std::string::npos);
}

TEST_F(Load, AMissingServiceIsNamed) {
    const Error e = refused(copy("plain-c", "needs = []", "needs = [\"acme.clock/3\"]"), "plain-c");
    EXPECT_EQ(e.code(), Code::Unsupported);
    EXPECT_EQ(e.detail("service"), "acme.clock/3");
    EXPECT_NE(e.what().find("keeper/plain-c"), std::string::npos);
}

TEST_F(Load, TwoOfOneIdAreBothNamedUnlessAPathSaysWhich) {
    const fs::path a = copy("plain-c"), b = copy("plain-c");
    test::OpenPlugins plugins({a, b});
    const auto two = plugins.load("keeper/plain-c");
    ASSERT_EQ(two.code(), Code::Exists);
    EXPECT_NE(two.error().what().find((a / "plain-c.so").string()), std::string::npos);
    EXPECT_NE(two.error().what().find((b / "plain-c.so").string()), std::string::npos);
    const auto one = plugins.registry().find("keeper", (b / "plain-c.so").string());
    ASSERT_TRUE(one) << one.error().what();
    EXPECT_EQ(one->library, b / "plain-c.so");
}

TEST_F(Load, WhatOthersCanWriteIsRefused) {
    const fs::path dir = copy("plain-c");
    ::chmod((dir / "plain-c.so").c_str(), 0666);
    const Error e = refused(dir, "keeper/plain-c");
    EXPECT_EQ(e.code(), Code::Refused);
    EXPECT_NE(e.way_out().find("chmod go-w"), std::string::npos);
}

TEST_F(Load, WhatIsNoPluginIsRefused) {
    const fs::path dir = copy("plain-c");
    std::ofstream(dir / "plain-c.so") << "not an ELF file";
    EXPECT_EQ(refused(dir, "plain-c").code(), Code::Refused);
    fs::remove(dir / "plain-c.so");
    EXPECT_EQ(refused(dir, "plain-c").code(), Code::NotFound);
    EXPECT_EQ(refused(dir, "keeper/none").code(), Code::NotFound);
}

class Rude : public testing::Test {
protected:
    Result<Keeper> keeper(const std::string& way) {
        return plugins_.make<Keeper>("keeper/rude", {{"way", way}});
    }
    test::OpenPlugins plugins_{{SEGUE_TEST_PLUGINS}};
};

TEST_F(Rude, AThrowingFactoryIsAnErrorThatNamesThePlugin) {
    for (const char* way : {"throw", "throw-int"}) {
        const auto made = keeper(way);
        ASSERT_EQ(made.code(), Code::Internal);
        EXPECT_EQ(made.error().detail("plugin"), "keeper/rude");
    }
    EXPECT_NE(keeper("throw").error().what().find("the factory fell over"), std::string::npos);
}

TEST_F(Rude, AThrowingHookIsAnError) {
    auto k = keeper("none");
    ASSERT_TRUE(k) << k.error().what();
    EXPECT_EQ(k->check({}).code(), Code::Internal);
    k->drop();
}

TEST_F(Rude, StatusesTextsAndDescriptorsAreChecked) {
    const Status unknown = keeper("none")->hold({});
    ASSERT_EQ(unknown.code(), Code::Internal);
    EXPECT_NE(unknown.error().what().find("keeper/rude"), std::string::npos);
    EXPECT_NE(unknown.error().what().find("77"), std::string::npos);
    EXPECT_NE(keeper("bytes")->check({}).error().what().find("bad ?? bytes"), std::string::npos);
    for (const char* way : {"fd", "cloexec", "name", "count"}) {
        const auto taken = keeper(way)->take();
        EXPECT_EQ(taken.code(), Code::Internal) << way;
    }
    EXPECT_TRUE(keeper("none")->take());
}

} // namespace
} // namespace segue
