// SPDX-License-Identifier: Apache-2.0
// Who may include whom, and which file alone may include a heavy library.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "tests/layering/source_files.hpp"
#include "tests/support/temp_dir.hpp"

namespace segue::layering {
namespace {

bool starts_with(std::string_view text, std::string_view start) {
    return text.rfind(start, 0) == 0;
}

struct Layer {
    const char* folder;
    std::vector<const char*> may_include; // of the project's own headers
};

// The first that fits counts.
const Layer layers[] = {
    {"sdk/include/segue/abi/", {"segue/abi/"}},
    {"sdk/include/segue/cpp/", {"segue/abi/", "segue/cpp/"}},
    {"sdk/include/segue/testkit/", {"segue/abi/", "segue/cpp/", "segue/testkit/"}},
    {"sdk/testkit/", {"segue/", "sdk/testkit/", "sdk/tools/"}},
    {"sdk/", {"segue/", "sdk/tools/"}},         // its programs, template and examples
    {"plugins/", {"segue/abi/", "segue/cpp/"}}, // and their kind's common/
    {"core/cli/", {"segue/", "core/", "vmm/"}},
    {"core/check/", {"segue/", "core/", "vmm/"}},
    {"core/observer/", {"segue/", "core/", "vmm/"}},
    {"core/", {"segue/abi/", "segue/cpp/", "core/"}},
    {"vmm/", {"segue/abi/", "segue/cpp/", "core/", "vmm/"}},
};

bool is_ours(const std::string& include) {
    for (const char* top : {"segue/", "core/", "vmm/", "plugins/", "tests/", "sdk/"})
        if (starts_with(include, top))
            return true;
    return false;
}

// "plugins/transports/common/" for any file of a transport.
std::string common_of(const std::string& path) {
    const auto kind = path.find('/', std::string("plugins/").size());
    return path.substr(0, kind) + "/common/";
}

bool may_include(const SourceFile& file, const std::string& include) {
    if (!is_ours(include))
        return !starts_with(include, "../");
    const auto* layer = std::find_if(std::begin(layers), std::end(layers), [&](const Layer& l) {
        return starts_with(file.path, l.folder);
    });
    if (starts_with(file.path, "plugins/") && starts_with(include, common_of(file.path)))
        return true;
    return std::any_of(layer->may_include.begin(), layer->may_include.end(),
                       [&](const char* folder) { return starts_with(include, folder); });
}

struct Heavy {
    const char* library;
    const char* folder; // the .cpp files of this folder alone
    std::size_t files;  // how many of them; 0: any
};

const Heavy heavies[] = {
    {"toml++/", "core/config/", 1},
    {"boost/", "core/plugin/", 1},
    {"cbor", "core/state/", 1},
    {"Poco/", "core/control/", 0},
    {"spdlog/", "core/base/log.cpp", 1},
    {"CLI/", "core/cli/", 1},
    {"liburing", "vmm/devices/virtio_block/", 1},
    {"openssl/", "plugins/transports/tls/", 0},
};

// Files that include the library, and each that must not.
void check_heavy(const Heavy& heavy, const std::vector<SourceFile>& files,
                 std::vector<std::string>& out) {
    std::set<std::string> users;
    for (const SourceFile& f : files)
        for (const Include& i : f.includes) {
            if (!starts_with(i.spelled, heavy.library))
                continue;
            users.insert(f.path);
            if (f.is_header() || !starts_with(f.path, heavy.folder))
                out.push_back(f.path + ":" + std::to_string(i.line) + " includes " + i.spelled);
        }
    if (heavy.files != 0 && users.size() > heavy.files)
        out.push_back(std::string(heavy.library) + " is included by several files");
}

std::vector<std::string> violations(const std::vector<SourceFile>& files) {
    std::vector<std::string> out;
    for (const SourceFile& f : files)
        for (const Include& i : f.includes)
            if (!f.is_test() && !may_include(f, i.spelled))
                out.push_back(f.path + ":" + std::to_string(i.line) + " includes " + i.spelled);
    for (const Heavy& h : heavies)
        check_heavy(h, files, out);
    return out;
}

TEST(Layers, NobodyIncludesUpwards) {
    const auto files = read_sources(SEGUE_SOURCE_DIR);
    EXPECT_GT(files.size(), 50u);
    for (const std::string& v : violations(files))
        ADD_FAILURE() << v;
}

TEST(Layers, EveryKindOfViolationIsSeen) {
    const std::pair<const char*, const char*> planted[] = {
        {"sdk/include/segue/abi/x.h", "segue/cpp/host.hpp"},
        {"sdk/include/segue/cpp/x.hpp", "core/base/units.hpp"},
        {"sdk/include/segue/testkit/x.hpp", "sdk/testkit/child.hpp"},
        {"sdk/testkit/x.cpp", "core/plugin/loader.hpp"},
        {"plugins/modes/x/plugin.cpp", "core/base/units.hpp"},
        {"plugins/modes/x/plugin.cpp", "plugins/transports/common/x.hpp"},
        {"core/update/x.cpp", "vmm/kvm/vm.hpp"},
        {"core/update/x.cpp", "tests/support/temp_dir.hpp"},
        {"vmm/kvm/x.cpp", "plugins/modes/x/x.hpp"},
        {"vmm/kvm/x.cpp", "../../core/base/units.hpp"},
        {"core/config/x.hpp", "toml++/toml.h"},
        {"core/state/x.cpp", "spdlog/spdlog.h"},
        {"vmm/main/x.cpp", "Poco/Net/Socket.h"},
    };
    for (const auto& [path, include] : planted) {
        const test::TempDir root;
        const auto file = root.path() / path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << "#include <" << include << ">\n";
        EXPECT_EQ(violations(read_sources(root.path())).size(), 1u) << path << " " << include;
    }
}

} // namespace
} // namespace segue::layering
