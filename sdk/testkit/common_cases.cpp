// SPDX-License-Identifier: Apache-2.0
// common_cases.cpp - what every plugin keeps, whatever its kind.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "sdk/testkit/elf.hpp"
#include "sdk/testkit/subject.hpp"
#include "sdk/testkit/surroundings.hpp"
#include "sdk/tools/manifest_text.hpp"

namespace segue::testkit {

namespace {

Status loads(Subject&) {
    return {}; // it is loaded by now
}

Status exports_its_entry_alone(Subject& s) {
    SEGUE_ASSIGN(const auto names, exported_symbols(s.request().file));
    for (const std::string& name : names)
        if (name != SEGUE_ENTRY_SYMBOL)
            return broke("it exports '" + name + "', too (" + std::to_string(names.size()) +
                             " symbols in all): build it with segue_add_plugin()",
                         rules::one_entry);
    return {};
}

bool is_id(const std::string& id) {
    return !id.empty() &&
           id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

std::string stem_of(const std::string& file) {
    const auto slash = file.rfind('/') + 1; // npos + 1 is 0
    return file.substr(slash, file.rfind(".so") - slash);
}

Status check_option(const segue_option& o, std::set<std::string>& seen) {
    if (o.key == nullptr || o.doc == nullptr || *o.key == 0 || *o.doc == 0)
        return broke("an option has no key or no line of documentation", rules::info);
    const std::string name = std::string("option '") + o.key + "'";
    if (!seen.insert(o.key).second)
        return broke(name + " is there twice", rules::info);
    if (o.type < SEGUE_OPTION_STRING || o.type > SEGUE_OPTION_PATH)
        return broke(name + " is of the unknown type " + std::to_string(o.type), rules::info);
    if (o.default_value == nullptr)
        return {};
    if (o.required != 0)
        return broke(name + " is required and has a default", rules::info);
    const Status fits = Values::check(o, o.default_value);
    return fits ? Status() : broke("the default of " + fits.error().what(), rules::info);
}

Status describes_itself(Subject& s) {
    const segue_info& i = s.info();
    for (const char* text : {i.version, i.licence, i.summary})
        if (text == nullptr || *text == 0)
            return broke("its version, licence or summary is missing", rules::info);
    const std::string file = stem_of(s.request().file);
    if (!is_id(i.id) || file != i.id)
        return broke("its id is '" + std::string(i.id) + "', and its file is called " + file +
                         ".so",
                     rules::info);
    if (i.needs == nullptr || i.caps == nullptr || (i.n_options != 0 && i.options == nullptr))
        return broke("its needs, caps or options are NULL", rules::info);
    if (i.wire_rev_min > i.wire_rev || i.state_rev_min > i.state_rev)
        return broke("a lowest revision is above the revision itself", rules::info);
    for (const char* const* need = i.needs; *need != nullptr; ++need)
        if (!FakeHost::exists(*need))
            return broke("it needs the service '" + std::string(*need) +
                             "', which a host of this version has not",
                         rules::info);
    std::set<std::string> seen;
    for (std::uint32_t n = 0; n < i.n_options; ++n)
        SEGUE_TRY(check_option(i.options[n], seen));
    return {};
}

std::vector<std::string> lines_of(std::istream& in) {
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        if (!line.empty() && line[0] != '#' && line.rfind("aliases = ", 0) != 0) // its builder's
            lines.push_back(line);
    return lines;
}

Error disagree(std::string file, const std::string& a, const std::string& b) {
    return broke(file.append(" says [").append(a).append("], and the binary [").append(b) + "]",
                 rules::manifest);
}

Status agrees_with_its_manifest(Subject& s) {
    const std::string& so = s.request().file;
    const std::string file = so.substr(0, so.rfind(".so")) + ".toml";
    std::ifstream in(file);
    if (!in)
        return broke("it has no manifest: there is no " + file, rules::manifest);
    std::istringstream own(manifest_text(s.info()));
    const auto written = lines_of(in), says = lines_of(own);
    if (says.empty())
        return broke("no manifest can be written of what it says about itself", rules::info);
    for (std::size_t n = 0; n < std::max(written.size(), says.size()); ++n) {
        const std::string a = n < written.size() ? written[n] : "nothing";
        const std::string b = n < says.size() ? says[n] : "nothing";
        if (a != b)
            return disagree(file, a, b);
    }
    return {};
}

Status gives_its_table(Subject& s) {
    const void* again = nullptr;
    const void* other = nullptr;
    s.call_void("table", [&] { again = s.entry().table(s.kind().table_id); });
    s.call_void("table", [&] { other = s.entry().table("acme.no-such-kind/1"); });
    if (again != s.raw_table() || other != nullptr)
        return broke("table() gives another table at the second call, or one for a foreign id",
                     rules::tables);
    const std::uint64_t bits = s.kind().declared(again);
    std::string names, listed;
    for (const CapName& c : s.kind().caps)
        if ((bits & c.bit) != 0)
            names += std::string(c.name) + " ";
    for (const char* const* c = s.info().caps; *c != nullptr; ++c)
        listed += std::string(*c) + " ";
    if (names == listed)
        return {};
    return broke("its description lists the capabilities [ " + listed + "], and its table has [ " +
                     names + "]",
                 rules::caps);
}

Status leaks_nothing(Subject& s) {
    SEGUE_TRY(s.kind().round(s)); // what is made once and kept is no leak
    s.host().join();
    const Surroundings before = holdings();
    for (int i = 0; i < 3; ++i) {
        s.renew_values(); // an inherited descriptor is good for one
        SEGUE_TRY(s.kind().round(s));
    }
    s.host().join();
    const std::string left = difference(before, holdings());
    if (left.empty())
        return {};
    return broke("after three more rounds of use it holds what it did not hold before: " + left,
                 "destroy() and release() end everything that the instance had");
}

Status leaves_the_process_alone(Subject& s) {
    SEGUE_TRY(s.kind().round(s));
    const std::string changed = difference(s.settings_before(), settings());
    if (changed.empty())
        return {};
    return broke("it changed what is not its own: " + changed, rules::never_ends_the_process);
}

constexpr Case cases[] = {
    {"loads", "It loads, and its entry is of this revision and kind.", loads, true},
    {"exports-its-entry-alone", "Nothing else that it exports can meet another plugin's.",
     exports_its_entry_alone, true},
    {"describes-itself", "What it says about itself is whole and can be used.", describes_itself,
     true},
    {"agrees-with-its-manifest", "What hosts read before they open it is what it is.",
     agrees_with_its_manifest, true},
    {"gives-its-table", "Its function table is found, and has the capabilities that it lists.",
     gives_its_table},
    {"leaks-nothing", "Used again and again it holds no more descriptors, threads or children.",
     leaks_nothing},
    {"leaves-the-process-alone", "Signals, umask, folder and locale stay the host's.",
     leaves_the_process_alone},
};

} // namespace

std::span<const Case> common_cases() {
    return cases;
}

} // namespace segue::testkit
