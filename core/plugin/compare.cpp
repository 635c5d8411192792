// SPDX-License-Identifier: Apache-2.0
// compare.cpp - a manifest beside what its binary says.
#include "core/plugin/manifest.hpp"

#include "core/base/list.hpp"

namespace segue::plugin {

namespace {

std::string text(const char* s) {
    return s != nullptr ? s : "";
}

std::string list_up_to_null(const char* const* names) {
    std::string list;
    for (; names != nullptr && *names != nullptr; ++names)
        add_to_list(list, *names);
    return list;
}

// One line that holds all of an option.
std::string line(const Option& o) {
    return o.key + " " + std::to_string(o.type) + " " + o.preset.value_or("-") + " " +
           std::to_string(o.min) + ".." + std::to_string(o.max) + (o.required ? " required" : "") +
           " " + o.doc;
}

Option option(const segue_option& o) {
    Option to;
    to.key = text(o.key);
    to.doc = text(o.doc);
    to.type = o.type;
    if (o.default_value != nullptr)
        to.preset = o.default_value;
    to.min = o.min;
    to.max = o.max;
    to.required = o.required != 0;
    return to;
}

Status same(const Manifest& m, const char* field, const std::string& manifest,
            const std::string& binary) {
    if (manifest == binary)
        return {};
    return Error(Code::Refused, "load " + m.name() + ": its manifest and its binary disagree on '" +
                                    field + "': '" + manifest + "' in " + m.file.string() + ", '" +
                                    binary + "' in the binary")
        .way_out("build or install the plugin again: its manifest is written by the build")
        .with("field", field);
}

Status same(const Manifest& m, const char* field, std::uint32_t manifest, std::uint32_t binary) {
    return same(m, field, std::to_string(manifest), std::to_string(binary));
}

} // namespace

Status compare(const Manifest& m, const segue_info& i) {
    SEGUE_TRY(same(m, "kind", m.kind->table_id, text(i.kind)));
    SEGUE_TRY(same(m, "id", m.id, text(i.id)));
    SEGUE_TRY(same(m, "version", m.version, text(i.version)));
    SEGUE_TRY(same(m, "licence", m.licence, text(i.licence)));
    SEGUE_TRY(same(m, "summary", m.summary, text(i.summary)));
    SEGUE_TRY(same(m, "needs", list_of(m.needs), list_up_to_null(i.needs)));
    SEGUE_TRY(same(m, "caps", list_of(m.caps), list_up_to_null(i.caps)));
    SEGUE_TRY(same(m, "wire_rev", m.wire_rev, i.wire_rev));
    SEGUE_TRY(same(m, "wire_rev_min", m.wire_rev_min, i.wire_rev_min));
    SEGUE_TRY(same(m, "state_rev", m.state_rev, i.state_rev));
    SEGUE_TRY(same(m, "state_rev_min", m.state_rev_min, i.state_rev_min));
    SEGUE_TRY(same(m, "option", std::to_string(m.options.size()), std::to_string(i.n_options)));
    for (std::uint32_t n = 0; n < i.n_options; ++n)
        SEGUE_TRY(same(m, "option", line(m.options[n]), line(option(i.options[n]))));
    return {};
}

} // namespace segue::plugin
