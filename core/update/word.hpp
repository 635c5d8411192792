// SPDX-License-Identifier: Apache-2.0
// word.hpp - the ownership word: the one value that says which generation owns the guest. Pure: no
// memory, no clock. docs/explanation/ownership.md tells why each transition is safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace segue::update {

enum class Owner : std::uint8_t { None = 0, Owned = 1, Offered = 2, Ended = 3 };

inline constexpr std::uint32_t kMaxAttempt = 0xffffff;

// {generation:32, attempt:24, state:8}, from the high bits down.
struct Word {
    std::uint32_t generation = 0;
    std::uint32_t attempt = 0; // of the update that is offered, or that was offered last
    Owner state = Owner::None;

    friend bool operator==(const Word&, const Word&) = default;
};

constexpr std::uint64_t pack(Word w) {
    return (std::uint64_t{w.generation} << 32) | (std::uint64_t{w.attempt & kMaxAttempt} << 8) |
           static_cast<std::uint64_t>(w.state);
}
constexpr Word unpack(std::uint64_t raw) {
    return {static_cast<std::uint32_t>(raw >> 32),
            static_cast<std::uint32_t>(raw >> 8) & kMaxAttempt, static_cast<Owner>(raw & 0xff)};
}

// The transitions: what `from` becomes, or nothing where it is not allowed. An attempt number is
// used once: a later offer has a greater one, so a standby of an earlier attempt can never win.
constexpr std::optional<Word> created(Word from) {
    if (from != Word{})
        return std::nullopt;
    return Word{1, 0, Owner::Owned};
}
constexpr std::optional<Word> offered(Word from, std::uint32_t generation, std::uint32_t attempt) {
    if (from.state != Owner::Owned || from.generation != generation || attempt <= from.attempt ||
        attempt > kMaxAttempt)
        return std::nullopt;
    return Word{from.generation, attempt, Owner::Offered};
}
constexpr std::optional<Word> claimed(Word from, std::uint32_t generation, std::uint32_t attempt) {
    if (from.state != Owner::Offered || from.attempt != attempt ||
        from.generation + 1 != generation)
        return std::nullopt;
    return Word{generation, attempt, Owner::Owned};
}
constexpr std::optional<Word> taken_back(Word from, std::uint32_t generation,
                                         std::uint32_t attempt) {
    if (from.state != Owner::Offered || from.attempt != attempt || from.generation != generation)
        return std::nullopt;
    return Word{generation, attempt, Owner::Owned};
}
constexpr std::optional<Word> ended(Word from, std::uint32_t generation) {
    if (from.state != Owner::Owned || from.generation != generation)
        return std::nullopt;
    return Word{generation, from.attempt, Owner::Ended};
}

// "OFFERED(3,7)", for people.
std::string to_string(Word word);

} // namespace segue::update
