// SPDX-License-Identifier: Apache-2.0
// manifest.cpp - segue-manifest FILE.so [OUT.toml]: writes a plugin's manifest from the description
// that the binary itself exports. Run by segue_add_plugin() after each link.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include <segue/abi/entry.h>

namespace {

std::string quoted(const char* text) {
    std::string out = "\"";
    for (const char* p = text != nullptr ? text : ""; *p != 0; ++p) {
        const auto c = static_cast<unsigned char>(*p);
        char code[8];
        std::snprintf(code, sizeof code, "\\u%04X", c);
        if (c < 0x20 || c == 0x7f)
            out += code;
        else if (c == '"' || c == '\\')
            out += std::string("\\") + *p;
        else
            out += *p;
    }
    return out + "\"";
}

std::string line(const char* key, const std::string& value) {
    return std::string(key) + " = " + value + "\n";
}

std::string list(const char* const* names) {
    std::string out = "[";
    for (const char* const* n = names; n != nullptr && *n != nullptr; ++n)
        out += (n == names ? "" : ", ") + quoted(*n);
    return out + "]";
}

const char* type_name(std::uint32_t type) {
    constexpr const char* names[] = {nullptr, "string", "uint", "bool", "size", "duration", "path"};
    return type < sizeof names / sizeof *names ? names[type] : nullptr;
}

bool add_option(std::string& out, const segue_option& o) {
    const char* type = type_name(o.type);
    if (type == nullptr || o.key == nullptr || o.doc == nullptr)
        return false;
    out += "\n[[option]]\n" + line("key", quoted(o.key)) + line("type", quoted(type)) +
           line("doc", quoted(o.doc)) + line("required", o.required != 0 ? "true" : "false");
    if (o.default_value != nullptr)
        out += line("default", quoted(o.default_value));
    if (o.min != 0)
        out += line("min", std::to_string(o.min));
    if (o.max != 0)
        out += line("max", std::to_string(o.max));
    return true;
}

// "" where the description is not whole.
std::string manifest_of(const segue_info& i) {
    if (i.kind == nullptr || i.id == nullptr || i.version == nullptr || i.licence == nullptr ||
        i.summary == nullptr)
        return {};
    std::string out = "# Written by segue-manifest from the plugin itself.\n";
    out += line("kind", quoted(i.kind)) + line("id", quoted(i.id)) +
           line("version", quoted(i.version)) + line("licence", quoted(i.licence)) +
           line("summary", quoted(i.summary)) + line("needs", list(i.needs)) +
           line("caps", list(i.caps));
    out += line("wire_rev", std::to_string(i.wire_rev)) +
           line("wire_rev_min", std::to_string(i.wire_rev_min)) +
           line("state_rev", std::to_string(i.state_rev)) +
           line("state_rev_min", std::to_string(i.state_rev_min));
    for (std::uint32_t n = 0; n < i.n_options; ++n)
        if (!add_option(out, i.options[n]))
            return {};
    return out;
}

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
    if (argc < 2 || argc > 3) {
        std::fprintf(stderr, "usage: segue-manifest FILE.so [OUT.toml]\n");
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
    const std::string text = manifest_of(*plugin->info);
    if (text.empty())
        return fail(so, "its description is not whole");
    if (argc == 2)
        return std::fputs(text.c_str(), stdout) < 0;
    return write_file(argv[2], text) ? 0 : fail(argv[2], "cannot be written");
}
