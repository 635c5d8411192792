// SPDX-License-Identifier: Apache-2.0
// The engine, the inventory, the loader and the VMM know no plugin by its name.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "core/plugin/registry.hpp"
#include "tests/layering/source_files.hpp"
#include "tests/support/temp_dir.hpp"

namespace segue::layering {
namespace {

using Names = std::set<std::string>;

bool must_not_know(const SourceFile& file) {
    if (file.is_test())
        return false;
    for (const char* folder : {"core/update/", "core/inventory/", "core/plugin/", "vmm/"})
        if (file.path.rfind(folder, 0) == 0)
            return true;
    return false;
}

// Lines of "PATH LITERAL REASON..."; gives "PATH LITERAL".
Names read_exceptions(const std::filesystem::path& list) {
    Names names;
    std::ifstream in(list);
    std::string line;
    while (std::getline(in, line)) {
        std::istringstream words(line);
        std::string path, literal, reason;
        if (line.empty() || line[0] == '#' || !(words >> path >> literal))
            continue;
        EXPECT_TRUE(words >> reason) << "no reason is given: " << line;
        names.insert(path + " " + literal);
    }
    return names;
}

Names known_ids(const std::vector<SourceFile>& files, const Names& ids, const Names& exceptions) {
    Names found;
    for (const SourceFile& f : files)
        for (const std::string& literal : f.literals) {
            const std::string name = f.path + " " + literal;
            if (must_not_know(f) && ids.count(literal) != 0 && exceptions.count(name) == 0)
                found.insert(name);
        }
    return found;
}

TEST(Ids, NoneIsKnownToTheEngineOrTheVmm) {
    const auto built = plugin::Registry::search({plugin::builtin_dir().value()});
    ASSERT_TRUE(built) << built.error().what();
    Names ids;
    for (const plugin::Manifest& m : built->manifests())
        ids.insert(m.id);
    EXPECT_FALSE(ids.empty());
    const auto exceptions = read_exceptions(SEGUE_SOURCE_DIR "/tests/layering/ids.allow");
    EXPECT_EQ(known_ids(read_sources(SEGUE_SOURCE_DIR), ids, exceptions), Names());
}

TEST(Ids, OneIsFoundWhereverItHides) {
    const test::TempDir root;
    std::filesystem::create_directories(root.path() / "core/update");
    std::ofstream(root.path() / "core/update/engine.cpp")
        << "// \"comment\"\n#include \"include\"\nif (c == '\"' || id == \"shown\" && "
           "x(\"a\\\"b\", "
           "\"shown too\")) // \"late\"\n";
    const Names ids = {"comment", "include", "shown", "shown too", "late"};
    EXPECT_EQ(known_ids(read_sources(root.path()), ids, {}),
              Names({"core/update/engine.cpp shown", "core/update/engine.cpp shown too"}));
    EXPECT_EQ(known_ids(read_sources(root.path()), {"shown"}, {"core/update/engine.cpp shown"}),
              Names());
}

} // namespace
} // namespace segue::layering
