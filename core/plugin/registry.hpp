// SPDX-License-Identifier: Apache-2.0
// registry.hpp - which plugins there are: manifests found in folders. No plugin is opened.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/plugin/manifest.hpp"

namespace segue::plugin {

// The built-in folder of a program: lib/segue/plugins beside its own bin/.
Result<std::filesystem::path> builtin_dir();

// Immutable after search(). [main]
class Registry {
public:
    // Reads every manifest in `dirs`, in that order, and in the folders transport/, memory/, ...
    // below each. A folder that does not exist, or a manifest that cannot be read, is an error.
    static Result<Registry> search(const std::vector<std::filesystem::path>& dirs);

    const std::vector<Manifest>& manifests() const { return manifests_; }

    // "unix" of kind "transport", by its id or an alias; an absolute path names one .so itself.
    // Exists, naming both files, where two of that kind are called so.
    Result<Manifest> find(std::string_view kind_word, std::string_view id) const;
    // "transport/unix", or "unix" where only one kind has it.
    Result<Manifest> find(std::string_view name) const;

private:
    Status scan(const std::filesystem::path& dir);
    Result<Manifest> only(const std::vector<const Manifest*>& found, const std::string& name,
                          const std::string& way_out) const;

    std::vector<Manifest> manifests_;
    std::vector<std::filesystem::path> dirs_;
};

} // namespace segue::plugin
