// SPDX-License-Identifier: Apache-2.0
#include "core/state/writer.hpp"

#include <cassert>

#include "core/state/cbor.hpp"
#include "core/state/checksum.hpp"
#include "core/state/layout.hpp"

namespace segue::state {

using namespace layout;

Writer::Writer(const Header& header) {
    restart(header);
}

void Writer::reserve(std::size_t bytes) {
    const std::size_t used = out_.size();
    if (bytes <= used)
        return;
    out_.resize(bytes); // writes zeros: the pages are there
    out_.resize(used);
}

void Writer::restart(const Header& header) {
    out_.assign(kHeaderSize, std::byte{0});
    section_ = sections_ = fields_ = 0;
    const std::span<std::byte> to(out_);
    std::memcpy(to.data(), kMagic.data(), kMagic.size());
    store(to, kWordOffset, header.word);
    store(to, kFormat, kFormatVersion);
    store(to, kGeneration, header.generation);
    store(to, kAttempt, header.attempt);
    std::memcpy(&to[kGuest], header.guest.data(), header.guest.size());
    store_name(to, kMachine, header.machine);
    store_name(to, kCreator, header.creator);
    store(to, kHeaderChecksum,
          checksum(to.first(kWordOffset), to.subspan(kAfterWord, kHeaderChecksum - kAfterWord)));
}

void Writer::begin(std::string_view name, std::string_view instance, std::uint32_t revision) {
    assert(section_ == 0 && !name.empty() && name.size() < kNameSize &&
           instance.size() < kNameSize && sections_ < kMaxSections);
    section_ = out_.size();
    fields_ = 0;
    out_.resize(section_ + kPayload + cbor::kMaxMapHead);
    const auto to = std::span(out_).subspan(section_);
    store(to, 0, kSectionMagic);
    store(to, kRevision, revision);
    store_name(to, kName, name);
    store_name(to, kInstance, instance);
}

void Writer::put_key(std::string_view key) {
    assert(section_ != 0 && fields_ < cbor::kMaxFields);
    ++fields_;
    cbor::put_text(out_, key);
}

void Writer::put(std::string_view key, std::uint64_t value) {
    put_key(key);
    cbor::put_unsigned(out_, value);
}

void Writer::put_signed(std::string_view key, std::int64_t value) {
    put_key(key);
    cbor::put_signed(out_, value);
}

void Writer::put_flag(std::string_view key, bool value) {
    put_key(key);
    cbor::put_flag(out_, value);
}

void Writer::put_text(std::string_view key, std::string_view value) {
    put_key(key);
    cbor::put_text(out_, value);
}

void Writer::put_bytes(std::string_view key, std::span<const std::byte> value) {
    put_key(key);
    cbor::put_bytes(out_, value);
}

// The map's head is known only now; its room was kept at its longest, the payload moves up to it.
void Writer::end() {
    assert(section_ != 0);
    const auto head = out_.begin() + static_cast<std::ptrdiff_t>(section_ + kPayload);
    const auto n = cbor::put_map_head(
        fields_, std::span(out_).subspan(section_ + kPayload).first<cbor::kMaxMapHead>());
    out_.erase(head + static_cast<std::ptrdiff_t>(n), head + cbor::kMaxMapHead);
    const auto to = std::span(out_).subspan(section_);
    store(to, kLength, static_cast<std::uint64_t>(to.size() - kPayload));
    store(to, kSectionChecksum, checksum(to.first(kSectionChecksum), to.subspan(kPayload)));
    section_ = 0;
    ++sections_;
}

std::span<const std::byte> Writer::finish() {
    assert(section_ == 0);
    const std::size_t at = out_.size();
    out_.resize(at + kTrailerSize);
    const std::span<std::byte> all(out_);
    const auto to = all.subspan(at);
    store(to, 0, kTrailerMagic);
    store(to, kSections, sections_);
    store(to, kTotal, static_cast<std::uint64_t>(all.size()));
    const Digest sum = digest(all.first(kWordOffset), all.subspan(kAfterWord, at - kAfterWord));
    std::memcpy(&to[kDigest], sum.data(), sum.size());
    return out_;
}

} // namespace segue::state
