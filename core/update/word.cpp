// SPDX-License-Identifier: Apache-2.0
#include "core/update/word.hpp"

namespace segue::update {

std::string to_string(Word word) {
    const char* name = "?";
    switch (word.state) {
    case Owner::None:
        name = "NONE";
        break;
    case Owner::Owned:
        name = "OWNED";
        break;
    case Owner::Offered:
        name = "OFFERED";
        break;
    case Owner::Ended:
        name = "ENDED";
        break;
    }
    return std::string(name) + "(" + std::to_string(word.generation) + "," +
           std::to_string(word.attempt) + ")";
}

} // namespace segue::update
