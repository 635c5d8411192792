// SPDX-License-Identifier: Apache-2.0
// schema.hpp - a table of keys, and the check of a document by it.
#pragma once

#include <span>
#include <string>

#include "core/config/settings.hpp"

namespace segue::config {

// One key. "[]" behind a part of the path is an array of tables, "*" a table of any names:
// "memory[].size", "update.channels.*.transport".
struct Key {
    const char* path;
    Rule rule;
    bool required;      // in every table that holds it
    const char* preset; // the default, as it would stand in TOML, unquoted; nullptr: none
    const char* doc;    // one line
};

// Every key of `document` by `keys`, with the defaults. The error is the first in the document's
// order of tables; further ones are its details "also".
Result<Settings> check_document(Document document, std::span<const Key> keys);

} // namespace segue::config
