// SPDX-License-Identifier: Apache-2.0
#include "core/base/start_file.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>

#include <segue/cpp/sys.hpp>

namespace segue {

// The configuration, then the overrides, each ended by a zero byte, as arguments are in
// /proc/PID/cmdline.
Status write(const StartFile& file, const GuestPlaces& places) {
    std::string text = file.config + '\0';
    for (const std::string& o : file.overrides)
        text += o + '\0';
    const std::string path = places.start_file(), fresh = path + ".new";
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW));
    SEGUE_TRY(sys::write_all(fd.get(), std::as_bytes(std::span(text))));
    if (::fdatasync(fd.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0)
        return Error::from_errno(errno, "write " + path);
    return {};
}

Result<StartFile> read_start_file(const GuestPlaces& places) {
    std::ifstream in(places.start_file(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    StartFile file;
    std::size_t at = 0;
    for (std::size_t end; (end = text.find('\0', at)) != text.npos; at = end + 1) {
        const std::string word = text.substr(at, end - at);
        if (at == 0)
            file.config = word;
        else
            file.overrides.push_back(word);
    }
    if (file.config.empty() || at != text.size())
        return Error(Code::NotFound,
                     "nothing says how this guest was started: there is no " + places.start_file())
            .way_out("name its configuration with --config, or the --state-dir that it had")
            .with("path", places.start_file());
    return file;
}

} // namespace segue
