// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/registry.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace segue::plugin {
namespace {

namespace fs = std::filesystem;

class Registries : public testing::Test {
protected:
    // A manifest alone: listing opens no binary.
    fs::path write(const std::string& folder, const std::string& kind, const std::string& id,
                   const std::string& more = "") {
        const fs::path file = dir_.path() / folder / (id + ".toml");
        fs::create_directories(file.parent_path());
        std::ofstream(file) << "kind = \"segue." << kind << ".draft/1\"\nid = \"" << id
                            << "\"\nversion = \"1\"\nlicence = \"MIT\"\nsummary = \"s\"\n"
                               "needs = []\ncaps = [\"exec\"]\n"
                            << more;
        return file;
    }
    Result<Registry> search(const std::vector<const char*>& folders) {
        std::vector<fs::path> dirs;
        for (const char* f : folders)
            dirs.push_back(dir_.path() / f);
        return Registry::search(dirs);
    }
    test::TempDir dir_;
};

TEST_F(Registries, FindsByKindAndIdOrByIdAlone) {
    write("a", "keeper", "flat");
    write("a/transport", "transport", "both");
    write("a/memory", "memory", "both");
    const auto r = search({"a"});
    ASSERT_TRUE(r) << r.error().what();
    EXPECT_EQ(r->manifests().size(), 3u);
    EXPECT_EQ(r->find("flat").value().name(), "keeper/flat");
    EXPECT_EQ(r->find("memory/both").value().name(), "memory/both");
    EXPECT_EQ(r->find("transport", "both").value().library,
              r->find("transport/both").value().library);
    const auto both = r->find("both");
    ASSERT_EQ(both.code(), Code::Exists);
    EXPECT_NE(both.error().way_out().find("KIND/both"), std::string::npos);
    const auto none = r->find("keeper/none");
    ASSERT_EQ(none.code(), Code::NotFound);
    EXPECT_NE(none.error().what().find("/a"), std::string::npos) << "says where it looked";
}

TEST_F(Registries, FindsByAnAliasThatNoOtherHas) {
    write("a/mode", "mode", "one", "aliases = [\"usual\", \"first\"]\n");
    write("a/mode", "mode", "two");
    const auto r = search({"a"});
    ASSERT_TRUE(r) << r.error().what();
    EXPECT_EQ(r->find("mode", "usual").value().id, "one");
    EXPECT_EQ(r->find("first").value().name(), "mode/one");
    EXPECT_EQ(r->find("mode", "one").value().id, "one");
    EXPECT_EQ(r->find("transport", "usual").code(), Code::NotFound);
    write("b/mode", "mode", "usual");
    EXPECT_EQ(search({"a", "b"})->find("mode", "usual").code(), Code::Exists);
}

TEST_F(Registries, OneFolderTwiceIsNoConflict) {
    write("a", "keeper", "one");
    fs::create_symlink(dir_.path() / "a", dir_.path() / "b");
    const auto r = search({"a", "b"});
    ASSERT_TRUE(r);
    EXPECT_TRUE(r->find("keeper/one"));
}

TEST_F(Registries, BrokenManifestsAndFoldersAreNamed) {
    EXPECT_EQ(search({"none"}).code(), Code::NotFound);
    const fs::path bad =
        write("a", "keeper", "one", "[[option]]\nkey = \"k\"\ntype = \"x\"\ndoc = \"\"\n");
    const auto type = search({"a"});
    ASSERT_EQ(type.code(), Code::Invalid);
    EXPECT_NE(type.error().what().find("unknown type 'x'"), std::string::npos);
    write("b", "keeper", "one", "wire_rev = -1\n");
    EXPECT_EQ(search({"b"}).error().what().rfind((dir_.path() / "b/one.toml:8:").string(), 0), 0u);
    fs::rename(bad, bad.parent_path() / "two.toml");
    write("c", "keeper", "one");
    fs::rename(dir_.path() / "c/one.toml", dir_.path() / "c/two.toml");
    EXPECT_NE(search({"c"}).error().what().find("one.toml"), std::string::npos);
}

} // namespace
} // namespace segue::plugin
