// SPDX-License-Identifier: Apache-2.0
#include "plugins/transports/common/printable.hpp"

namespace segue {

std::string printable(std::string text, std::size_t max) {
    if (text.size() > max)
        text.replace(max - 3, std::string::npos, "...");
    for (char& c : text)
        if (c < ' ' || c > '~') // the ABI's strings are UTF-8; a cut may be in a letter
            c = '?';
    return text;
}

} // namespace segue
