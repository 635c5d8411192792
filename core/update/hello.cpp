// SPDX-License-Identifier: Apache-2.0
#include "core/update/hello.hpp"

#include <algorithm>

#include "core/state/number32.hpp"

namespace segue::update {

namespace {

void write(const char* section, const config::Identity& keys, state::Writer& out) {
    out.begin(section, "", 1);
    for (const auto& [key, value] : keys)
        out.put_text(key, value);
    out.end();
}

Result<config::Identity> read_keys(const char* section, const state::Reader& in) {
    SEGUE_ASSIGN(const state::Section* s, in.take(section));
    config::Identity keys;
    for (const state::Field& f : s->fields()) {
        SEGUE_ASSIGN(const std::string_view value, s->text(f.key));
        keys.emplace_back(f.key, value);
    }
    return keys;
}

} // namespace

void write(const Hello& hello, state::Writer& out) {
    out.begin("hello", "", 1);
    out.put_text("mode", hello.mode);
    out.put_text("version", hello.version);
    out.put_text("config", hello.config);
    out.put("wire-rev", hello.wire_rev);
    out.put("wire-rev-min", hello.wire_rev_min);
    out.put("arbiter", hello.arbiter);
    out.put("budget-us", hello.budget_us);
    out.put("pid", static_cast<std::uint64_t>(hello.pid));
    out.put_bytes("nonce", hello.nonce);
    if (!hello.channels.empty())
        out.put_text("channels", hello.channels);
    if (hello.rehearsal)
        out.put_flag("rehearsal", true);
    out.end();
    write("identity", hello.identity, out);
    write("resting-place", hello.resting_place, out);
    for (std::size_t i = 0; i < hello.overrides.size(); ++i) {
        out.begin("override", std::to_string(i), 1);
        out.put_text("text", hello.overrides[i]);
        out.end();
    }
}

Result<Hello> read_hello(const state::Reader& in) {
    Hello hello;
    SEGUE_ASSIGN(const state::Section* s, in.take("hello"));
    SEGUE_ASSIGN(hello.mode, s->text("mode"));
    SEGUE_ASSIGN(hello.version, s->text("version"));
    SEGUE_ASSIGN(hello.config, s->text("config"));
    SEGUE_ASSIGN(hello.wire_rev, state::number32(*s, "wire-rev"));
    SEGUE_ASSIGN(hello.wire_rev_min, state::number32(*s, "wire-rev-min"));
    SEGUE_ASSIGN(hello.arbiter, state::number32(*s, "arbiter"));
    SEGUE_ASSIGN(hello.budget_us, s->number("budget-us"));
    SEGUE_ASSIGN(const std::uint32_t pid, state::number32(*s, "pid"));
    hello.pid = static_cast<std::int32_t>(pid);
    SEGUE_TRY(s->copy("nonce", hello.nonce));
    if (s->find("rehearsal") != nullptr) { // a version that does not know it waits for an offer
        SEGUE_ASSIGN(hello.rehearsal, s->flag("rehearsal"));
    }
    if (s->find("channels") != nullptr) {
        SEGUE_ASSIGN(hello.channels, s->text("channels"));
    }
    SEGUE_ASSIGN(hello.identity, read_keys("identity", in));
    SEGUE_ASSIGN(hello.resting_place, read_keys("resting-place", in));
    for (const state::Section* o : in.take_all("override")) {
        SEGUE_ASSIGN(const std::string_view text, o->text("text"));
        hello.overrides.emplace_back(text);
    }
    return hello;
}

std::string text_of(const std::vector<plugin::ChannelNeed>& channels) {
    std::string text;
    for (const plugin::ChannelNeed& c : channels)
        text += (text.empty() ? "" : ", ") + c.name + " " + std::to_string(c.count);
    return text;
}

Status fits(const Hello& hello, const plugin::Plan& mine, const config::Identity& guest) {
    const std::string channels = text_of(mine.channels);
    if (!hello.channels.empty() && hello.channels != channels)
        return Error(Code::Refused, "mode/" + hello.mode + " plans the channels " + hello.channels +
                                        " there, and " + channels + " here")
            .way_out("both sides must configure update.options." + hello.mode + " alike")
            .with("plugin", "mode/" + hello.mode);
    std::vector<std::string> free;
    for (std::size_t i = 0; i < mine.ram_of_block.size(); ++i)
        if ((mine.ram_of_block[i] & SEGUE_RAM_IN_PLACE) == 0)
            for (const char* key : {"backend", "options"})
                free.push_back("memory[" + std::to_string(i) + "]." + key);
    return config::same_identity(hello.identity, guest, free);
}

std::vector<std::byte> encode(const Welcome& welcome) {
    state::Writer out{state::Header{}};
    out.begin("welcome", "", 1);
    out.put_text("version", welcome.version);
    out.put("pid", static_cast<std::uint64_t>(welcome.pid));
    out.put("wire-rev", welcome.wire_rev);
    out.end();
    const auto bytes = out.finish();
    return {bytes.begin(), bytes.end()};
}

Result<Welcome> decode_welcome(std::span<const std::byte> container) {
    SEGUE_ASSIGN(const state::Reader in, state::Reader::parse(container));
    SEGUE_ASSIGN(const state::Section* s, in.take("welcome"));
    Welcome w;
    SEGUE_ASSIGN(w.version, s->text("version"));
    SEGUE_ASSIGN(const std::uint32_t pid, state::number32(*s, "pid"));
    w.pid = static_cast<std::int32_t>(pid);
    SEGUE_ASSIGN(w.wire_rev, state::number32(*s, "wire-rev"));
    return w;
}

Result<std::uint32_t> agree_wire(std::uint32_t min_a, std::uint32_t max_a, std::uint32_t min_b,
                                 std::uint32_t max_b, const std::string& mode) {
    const std::uint32_t best = std::min(max_a, max_b);
    if (best >= min_a && best >= min_b)
        return best;
    return Error(Code::Refused, "mode/" + mode + " speaks wire revisions " + std::to_string(min_a) +
                                    " to " + std::to_string(max_a) + " here and " +
                                    std::to_string(min_b) + " to " + std::to_string(max_b) +
                                    " on the other side")
        .way_out("update through a version that speaks both")
        .with("plugin", "mode/" + mode);
}

} // namespace segue::update
