// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/registry.hpp"

#include <algorithm>

#include "core/base/list.hpp"

namespace segue::plugin {

namespace fs = std::filesystem;

Result<fs::path> builtin_dir() {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    if (error)
        return Error::from_errno(error.value(), "read /proc/self/exe");
    return program.parent_path().parent_path() / "lib/segue/plugins";
}

Result<Registry> Registry::search(const std::vector<fs::path>& dirs) {
    Registry r;
    for (const fs::path& dir : dirs) {
        std::error_code error;
        const fs::path real = fs::canonical(dir, error);
        if (error)
            return Error::from_errno(error.value(), "search plugins in " + dir.string())
                .way_out(
                    "check plugins.dirs in the configuration, and that Segue is installed whole");
        if (std::find(r.dirs_.begin(), r.dirs_.end(), real) != r.dirs_.end())
            continue;
        r.dirs_.push_back(real);
        SEGUE_TRY(r.scan(real));
        for (const Kind& kind : kinds())
            if (fs::is_directory(real / kind.word, error))
                SEGUE_TRY(r.scan(real / kind.word));
    }
    return r;
}

Status Registry::scan(const fs::path& dir) {
    std::error_code error;
    std::vector<fs::path> files;
    for (fs::directory_iterator i(dir, error), end; !error && i != end; i.increment(error))
        if (i->path().extension() == ".toml")
            files.push_back(i->path());
    if (error)
        return Error::from_errno(error.value(), "read " + dir.string())
            .way_out("name a folder of plugins in plugins.dirs");
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
        SEGUE_ASSIGN(Manifest m, load_manifest(file));
        manifests_.push_back(std::move(m));
    }
    return {};
}

Result<Manifest> Registry::only(const std::vector<const Manifest*>& found, const std::string& name,
                                const std::string& way_out) const {
    if (found.size() == 1)
        return *found.front();
    if (found.size() > 1)
        return Error(Code::Exists, "plugin '" + name + "' could be " + found[0]->library.string() +
                                       " or " + found[1]->library.string())
            .way_out(way_out)
            .with("plugin", name);
    std::string where;
    for (const fs::path& dir : dirs_)
        add_to_list(where, dir.string());
    return Error(Code::NotFound, "plugin '" + name + "' is in none of: " + where)
        .way_out("'segue plugins' lists what there is; more folders go into plugins.dirs")
        .with("plugin", name);
}

Result<Manifest> Registry::find(std::string_view kind_word, std::string_view id) const {
    const std::string name = std::string(kind_word) + "/" + std::string(id);
    if (!id.empty() && id.front() == '/') {
        SEGUE_ASSIGN(Manifest m, load_manifest(fs::path(id).replace_extension(".toml")));
        if (kind_word == m.kind->word)
            return m;
        return Error(Code::Invalid, std::string(id) + " is a " + m.kind->word + ", not a " +
                                        std::string(kind_word));
    }
    std::vector<const Manifest*> found;
    for (const Manifest& m : manifests_)
        if (kind_word == m.kind->word && m.is_called(id))
            found.push_back(&m);
    return only(found, name, "remove one of them, or name the other by its path");
}

Result<Manifest> Registry::find(std::string_view name) const {
    if (const auto slash = name.find('/'); slash != std::string_view::npos)
        return find(name.substr(0, slash), name.substr(slash + 1));
    std::vector<const Manifest*> found;
    for (const Manifest& m : manifests_)
        if (m.is_called(name))
            found.push_back(&m);
    return only(found, std::string(name), "say which: KIND/" + std::string(name));
}

} // namespace segue::plugin
