// SPDX-License-Identifier: Apache-2.0
// log.hpp - the process's log: one line an event, to stderr. Logic reports through interfaces
// (core/report); this is for what has no interface of its own.
#pragma once

#include <string_view>

namespace segue::log {

enum class Level { Debug, Info, Warn, Error };

// Lines below `level` are dropped; `name` stands in every line. [main, before threads start]
void start(std::string_view name, Level level);

// [any]
void write(Level level, std::string_view line);
inline void debug(std::string_view line) {
    write(Level::Debug, line);
}
inline void info(std::string_view line) {
    write(Level::Info, line);
}
inline void warn(std::string_view line) {
    write(Level::Warn, line);
}
inline void error(std::string_view line) {
    write(Level::Error, line);
}

} // namespace segue::log
