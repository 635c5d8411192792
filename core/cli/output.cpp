// SPDX-License-Identifier: Apache-2.0
#include "core/cli/output.hpp"

#include <cstdio>
#include <filesystem>

#include "core/base/units.hpp"

namespace segue::cli {
namespace {

// Text of other processes and files must not drive the terminal.
std::string printable(std::string text) {
    for (char& c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f)
            c = ' ';
    return text;
}

} // namespace

void out(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

ExitCode fail(const Error& error) {
    std::fprintf(stderr, "segue: %s\n", printable(error.what()).c_str());
    if (!error.way_out().empty())
        std::fprintf(stderr, "  try: %s\n", printable(error.way_out()).c_str());
    return exit_code_of(error);
}

ExitCode finish(const Status& status) {
    return status ? ExitCode::Ok : fail(status.error());
}

Result<control::Client> client_of(const Places& places, const std::string& guest,
                                  std::chrono::milliseconds timeout) {
    SEGUE_ASSIGN(const auto folder, places.guest(guest));
    return control::Client(guest, folder.api_socket(), timeout);
}

std::string balloon_text(const control::BalloonInfo& balloon) {
    return format_size(balloon.given) + " given back, " + format_size(balloon.wanted) + " wanted";
}

Result<std::string> own_folder() {
    std::error_code e;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", e);
    if (e)
        return Error::from_errno(e.value(), "find the own executable");
    return self.parent_path().string();
}

} // namespace segue::cli
