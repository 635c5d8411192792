// SPDX-License-Identifier: Apache-2.0
// text.hpp - an error as people read it.
#pragma once

#include <string>

#include <segue/cpp/error.hpp>

namespace segue::report {

// "WHAT [in prepare]; WAY OUT", control characters replaced: it may be another process's text.
inline std::string one_line(const Error& error) {
    std::string text = error.what();
    if (const auto phase = error.detail("phase"); !phase.empty())
        text += " [in " + phase + "]";
    if (!error.way_out().empty())
        text += "; " + error.way_out();
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            c = ' ';
    return text;
}

} // namespace segue::report
