// SPDX-License-Identifier: Apache-2.0
#include "core/observer/print.hpp"

#include <cstdio>

namespace segue::observer {
namespace {

std::string ms(Time t) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f ms", static_cast<double>(t.count()) / 1e6);
    return text;
}

std::string seconds(Time t) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6f s", static_cast<double>(t.count()) / 1e9);
    return text;
}

std::string line_of(const std::string& name, const StandStill& s) {
    std::string line = name + ": " + ms(s.length);
    if (s.at_most > s.length)
        line += " (at most " + ms(s.at_most) + ")";
    return s.length > Time{0} ? line + ", until " + seconds(s.end) : line;
}

std::string field(const char* name, std::uint64_t value) {
    return '"' + std::string(name) + "\":" + std::to_string(value);
}

std::string field(const char* name, Time value) {
    return '"' + std::string(name) + "\":" + std::to_string(value.count());
}

std::string field(const char* name, const StandStill& s) {
    return '"' + std::string(name) + "\":{" + field("length_ns", s.length) + ',' +
           field("at_most_ns", s.at_most) + ',' + field("begin_ns", s.begin) + ',' +
           field("end_ns", s.end) + '}';
}

} // namespace

std::string text_of(const Measurement& m, const volatile segue_page& page) {
    std::string text = "observed " + seconds(m.end - m.begin) + " in " + std::to_string(m.polls) +
                       " polls, guest's boot " + std::to_string(page.header.boot_count) + '\n';
    text += line_of("blackout (no vCPU counts)", m.blackout) + '\n';
    for (std::size_t i = 0; i < m.vcpus.size(); i++) {
        const VcpuMeasurement& v = m.vcpus[i];
        const volatile segue_page_slot& slot = page.slot[i];
        text += line_of("vCPU " + std::to_string(i), v.longest) + "; went backward " +
                std::to_string(v.backward) + ", sweeps " + std::to_string(slot.passes) +
                ", pages wrong " + std::to_string(slot.mem_bad_pages) + ", register errors " +
                std::to_string(slot.reg_errors) + '\n';
    }
    return text + line_of("the observer itself", m.own) + '\n';
}

std::string json_of(const Measurement& m, const volatile segue_page& page) {
    std::string json = '{' + field("begin_ns", m.begin) + ',' + field("end_ns", m.end) + ',' +
                       field("polls", m.polls) + ',' + field("boot_count", page.header.boot_count) +
                       ',' + field("blackout", m.blackout) + ',' + field("own", m.own) +
                       ",\"vcpus\":[";
    for (std::size_t i = 0; i < m.vcpus.size(); i++) {
        const volatile segue_page_slot& slot = page.slot[i];
        json +=
            (i == 0 ? "{" : ",{") + field("longest", m.vcpus[i].longest) + ',' +
            field("counter", m.vcpus[i].counter) + ',' + field("backward", m.vcpus[i].backward) +
            ',' + field("passes", slot.passes) + ',' + field("mem_errors", slot.mem_errors) + ',' +
            field("mem_bad_pages", slot.mem_bad_pages) + ',' +
            field("reg_errors", slot.reg_errors) + ',' + field("gap_cycles", slot.gap_cycles) + '}';
    }
    return json + "]}\n";
}

} // namespace segue::observer
