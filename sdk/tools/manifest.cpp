// SPDX-License-Identifier: Apache-2.0
// manifest.cpp - segue-manifest FILE.so [OUT.toml [ALIAS...]]: writes a plugin's manifest from the
// description that the binary itself exports. Run by segue_add_plugin() after each link.
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <segue/abi/entry.h>

#include "sdk/tools/manifest_text.hpp"

namespace {

int fail(const char* file, const char* why) {
    std::fprintf(stderr, "segue-manifest: %s: %s\n", file, why);
    return 1;
}

// A reader never sees half a manifest.
bool write_file(const std::string& path, const std::string& text) {
    const std::string next = path + ".new";
    std::FILE* f = std::fopen(next.c_str(), "w");
    if (f == nullptr)
        return false;
    const bool written = std::fwrite(text.data(), 1, text.size(), f) == text.size();
    const bool closed = std::fclose(f) == 0;
    return written && closed && std::rename(next.c_str(), path.c_str()) == 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: segue-manifest FILE.so [OUT.toml [ALIAS...]]\n");
        return 2;
    }
    const char* so = argv[1];
    char* real = ::realpath(so, nullptr);
    void* library = real != nullptr ? ::dlopen(real, RTLD_NOW | RTLD_LOCAL) : nullptr;
    std::free(real);
    if (library == nullptr)
        return fail(so, real != nullptr ? ::dlerror() : "no such file");
    const auto* plugin = static_cast<const segue_plugin*>(::dlsym(library, SEGUE_ENTRY_SYMBOL));
    if (plugin == nullptr)
        return fail(so, "it exports no " SEGUE_ENTRY_SYMBOL);
    if (plugin->entry_rev != SEGUE_ENTRY_REVISION)
        return fail(so, "its entry is of another revision");
    if (plugin->info == nullptr || plugin->info->size < sizeof(segue_info))
        return fail(so, "it does not describe itself");
    const std::vector<std::string> aliases(argv + std::min(argc, 3), argv + argc);
    const std::string text = segue::manifest_text(*plugin->info, aliases);
    if (text.empty())
        return fail(so, "its description is not whole");
    if (argc == 2)
        return std::fputs(text.c_str(), stdout) < 0;
    return write_file(argv[2], text) ? 0 : fail(argv[2], "cannot be written");
}
