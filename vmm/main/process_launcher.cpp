// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/process_launcher.hpp"

#include <algorithm>
#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/base/trusted.hpp"

namespace segue::vmm {

namespace {

constexpr std::size_t kLastWords = 300; // bytes of the log that an error quotes

} // namespace

Result<Child> ProcessLauncher::start(const ports::SuccessorSpec& spec, int stream) {
    SEGUE_ASSIGN(const std::filesystem::path binary, trusted_file(spec.binary));
    SpawnSpec s;
    s.argv = {binary.string(), "--config", spec.config, "--incoming=fd:3"};
    s.argv.insert(s.argv.end(), common_.begin(), common_.end());
    s.fds = {{1, 1}, {2, 2}, {stream, 3}};
    s.new_session = true;
    if (const auto st = sys::stat(2); st && S_ISREG(st->st_mode))
        log_size_ = static_cast<std::uint64_t>(st->st_size);
    auto child = spawn(s);
    if (!child)
        return std::move(child).error().with("binary", spec.binary);
    return child;
}

std::string ProcessLauncher::last_words(const Child&) {
    std::ifstream log(log_path_, std::ios::binary);
    log.seekg(0, std::ios::end);
    const auto end = static_cast<std::uint64_t>(std::max<std::streamoff>(log.tellg(), 0));
    if (end <= log_size_)
        return {};
    const std::uint64_t from = std::max(log_size_, end - std::min<std::uint64_t>(end, kLastWords));
    std::string words(end - from, '\0');
    log.seekg(static_cast<std::streamoff>(from));
    log.read(words.data(), static_cast<std::streamsize>(words.size()));
    while (!words.empty() && words.back() == '\n')
        words.pop_back();
    return words;
}

} // namespace segue::vmm
