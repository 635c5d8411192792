// SPDX-License-Identifier: Apache-2.0
#include "core/state/reader.hpp"

#include <algorithm>

#include "core/state/checksum.hpp"
#include "core/state/layout.hpp"

namespace segue::state {

using namespace layout;

namespace {

using Bytes = std::span<const std::byte>;

Error corrupt(std::string why) {
    return Error(Code::Corrupt, std::move(why));
}

// `at`: where the trailer begins.
Status check_trailer(Bytes all, std::size_t at, std::size_t sections) {
    const Bytes trailer = all.subspan(at);
    if (trailer.size() != kTrailerSize || load<std::uint64_t>(trailer, kTotal) != all.size())
        return corrupt("the state container's length is not what its trailer says");
    if (load<std::uint32_t>(trailer, kSections) != sections)
        return corrupt("the state container holds " + std::to_string(sections) +
                       " sections, its trailer says " +
                       std::to_string(load<std::uint32_t>(trailer, kSections)));
    const Digest sum = digest(all.first(kWordOffset), all.subspan(kAfterWord, at - kAfterWord));
    if (std::memcmp(&trailer[kDigest], sum.data(), sum.size()) != 0)
        return corrupt("the state container does not match its trailer's digest");
    return {};
}

using NameAndInstance = std::pair<std::string_view, std::string_view>;

} // namespace

Status Reader::check_unique() const {
    std::vector<NameAndInstance> names;
    names.reserve(sections_.size());
    for (const Section& s : sections_)
        names.emplace_back(s.name(), s.instance());
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end())
        return section_error(twice->first, twice->second, corrupt("it stands twice"));
    return {};
}

Result<Reader> Reader::parse(Bytes container) {
    Reader reader;
    SEGUE_ASSIGN(reader.header_, read_header(container));
    Bytes rest = container.subspan(kHeaderSize);
    while (rest.size() >= 4 && load<std::uint32_t>(rest, 0) == kSectionMagic) {
        if (reader.sections_.size() == kMaxSections)
            return corrupt("the state container holds more than " + std::to_string(kMaxSections) +
                           " sections");
        SEGUE_ASSIGN(Section section, Section::parse(rest));
        reader.sections_.push_back(std::move(section));
    }
    if (rest.size() < 4 || load<std::uint32_t>(rest, 0) != kTrailerMagic)
        return corrupt("the state container ends, or goes astray, after " +
                       std::to_string(reader.sections_.size()) +
                       " sections: neither a section nor the trailer follows");
    SEGUE_TRY(check_trailer(container, container.size() - rest.size(), reader.sections_.size()));
    SEGUE_TRY(reader.check_unique());
    return reader;
}

Result<const Section*> Reader::take(std::string_view name, std::string_view instance) const {
    for (const Section& s : sections_)
        if (s.name() == name && s.instance() == instance) {
            s.taken_ = true;
            return &s;
        }
    return section_error(name, instance,
                         Error(Code::NotFound, "the state container does not hold it"));
}

std::vector<const Section*> Reader::take_all(std::string_view name) const {
    std::vector<const Section*> found;
    for (const Section& s : sections_)
        if (s.name() == name) {
            s.taken_ = true;
            found.push_back(&s);
        }
    return found;
}

Status Reader::all_taken() const {
    for (const Section& s : sections_)
        if (!s.taken_)
            return section_error(s.name(), s.instance(),
                                 Error(Code::Unsupported, "nothing in this version restores it"))
                .way_out("use a version that knows it: the state was written by " +
                         header_.creator);
    return {};
}

} // namespace segue::state
