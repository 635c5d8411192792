// SPDX-License-Identifier: Apache-2.0
// `segue plugins new`: a folder with a plugin that builds and keeps the ABI, from a template that
// is one itself. Its name takes the place of the template's.
#include <algorithm>
#include <filesystem>
#include <vector>

#include <segue/cpp/sys.hpp>

#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"

namespace segue::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 48;

bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// An id of the ABI that begins as a C++ name can: "acme-link".
Status check_name(const std::string& name) {
    bool good = !name.empty() && name.size() <= kLongestName && is_letter(name.front()) &&
                name.back() != '-' && name.find("--") == std::string::npos;
    for (const char c : name)
        good = good && (is_letter(c) || is_digit(c) || c == '-');
    if (good)
        return {};
    return Error(Code::Invalid, "'" + name + "' cannot be the name of a plugin")
        .way_out("choose a-z, 0-9 and single '-' between them, a letter first, at most " +
                 std::to_string(kLongestName) + ": acme-link");
}

// "acme-link" as a C++ class begins: "AcmeLink".
std::string camel(const std::string& name) {
    std::string out;
    bool upper = true;
    for (const char c : name) {
        if (c != '-')
            out += upper && is_letter(c) ? static_cast<char>(c - 'a' + 'A') : c;
        upper = c == '-';
    }
    return out;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

Result<std::string> read(const std::string& path) {
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(path, O_RDONLY));
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd.get()));
    std::string text(static_cast<std::size_t>(s.st_size), 0);
    SEGUE_TRY(sys::pread_all(fd.get(), std::as_writable_bytes(std::span(text)), 0));
    return text;
}

Result<std::vector<fs::path>> template_files(const std::string& kind) {
    SEGUE_ASSIGN(const std::string own, own_folder());
    const fs::path dir = fs::path(own).parent_path() / "share/segue/template" / kind;
    std::error_code e;
    std::vector<fs::path> files;
    for (fs::directory_iterator it(dir, e), end; !e && it != end; it.increment(e))
        files.push_back(it->path());
    if (e || files.empty())
        return Error(Code::NotFound, "read the template " + dir.string() + ": " + e.message())
            .way_out("install Segue's SDK beside this program");
    std::sort(files.begin(), files.end());
    return files;
}

Status write_new(const fs::path& file, const std::string& text) {
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(file, O_WRONLY | O_CREAT | O_EXCL, 0644));
    return sys::write_all(fd.get(), std::as_bytes(std::span(text)));
}

Status write_plugin(const NewPluginOptions& o, const fs::path& to) {
    SEGUE_TRY(check_name(o.name));
    SEGUE_ASSIGN(const auto files, template_files(o.kind));
    if (::mkdir(to.c_str(), 0755) != 0) // exclusively: nothing is ever overwritten
        return Error::from_errno(errno, "make the folder " + to.string())
            .way_out("choose another name, or another --dir");
    for (const fs::path& file : files) {
        SEGUE_ASSIGN(std::string text, read(file));
        replace_all(text, "acme-" + o.kind, o.name);
        replace_all(text, "Acme", camel(o.name));
        SEGUE_TRY(write_new(to / file.filename(), text));
    }
    return {};
}

} // namespace

ExitCode new_plugin(const NewPluginOptions& options) {
    const fs::path to = fs::path(options.dir.empty() ? "." : options.dir) / options.name;
    const Status written = write_plugin(options, to);
    if (!written)
        return fail(written.error());
    out("wrote " + to.string() + "; its README.md says how to build, test and use it\n");
    return ExitCode::Ok;
}

} // namespace segue::cli
