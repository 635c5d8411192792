// SPDX-License-Identifier: Apache-2.0
// json_read.cpp - values from JSON text, whoever wrote it.
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <array>

#include "core/control/json.hpp"

namespace segue::control {
namespace {

using Poco::JSON::Object;
using report::UpdateRecord;
using std::chrono::nanoseconds;

constexpr int kMaxDepth = 8;

// What is missing or of another type becomes a Poco exception, and parse() an error of it.
template <class T>
T need(const Object::Ptr& o, const std::string& key) {
    if (!o->has(key))
        throw Poco::DataFormatException("key '" + key + "' is missing");
    try {
        return o->getValue<T>(key);
    } catch (const Poco::Exception& e) {
        throw Poco::DataFormatException("key '" + key + "': " + e.displayText());
    }
}

std::string text(const Object::Ptr& o, const std::string& key) {
    const auto value = o->get(key);
    if (value.isEmpty())
        return {};
    if (!value.isString())
        throw Poco::DataFormatException("key '" + key + "' is no string");
    return value.extract<std::string>();
}

Object::Ptr child(const Object::Ptr& o, const std::string& key) {
    auto c = o->getObject(key);
    if (c.isNull())
        throw Poco::DataFormatException("key '" + key + "' is no object");
    return c;
}

template <class Visit>
void each(const Object::Ptr& o, const std::string& key, Visit visit) {
    const auto list = o->getArray(key);
    if (list.isNull())
        throw Poco::DataFormatException("key '" + key + "' is no array");
    for (unsigned i = 0; i < list->size(); ++i) {
        const auto item = list->getObject(i);
        if (item.isNull())
            throw Poco::DataFormatException("an item of '" + key + "' is no object");
        visit(item);
    }
}

std::vector<std::string> words(const Object::Ptr& o, const std::string& key) {
    const auto list = o->getArray(key);
    if (list.isNull())
        throw Poco::DataFormatException("key '" + key + "' is no array");
    std::vector<std::string> all;
    for (unsigned i = 0; i < list->size(); ++i)
        all.push_back(list->getElement<std::string>(i));
    return all;
}

template <class Enum, std::size_t N>
Enum named(const Object::Ptr& o, const std::string& key, const std::array<const char*, N>& names) {
    const auto name = need<std::string>(o, key);
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end())
        throw Poco::DataFormatException("key '" + key + "': '" + name + "' is not known");
    return static_cast<Enum>(it - names.begin());
}

Code code_of(const std::string& name) {
    for (auto i = 0; i <= static_cast<int>(Code::Internal); ++i)
        if (name == name_of(static_cast<Code>(i)))
            return static_cast<Code>(i);
    return Code::Internal;
}

Error error_of(const Object::Ptr& o, const char* what_key) {
    Error error = Error(code_of(text(o, "code")), text(o, what_key)).way_out(text(o, "way_out"));
    if (const auto details = o->getObject("details"); !details.isNull())
        for (const auto& key : details->getNames())
            error = std::move(error).with(key, text(details, key));
    return error;
}

// `read` makes a value of the text's object; every exception of Poco ends here.
template <class T, class Read>
Result<T> parse(std::string_view source, const char* what, Read read) {
    try {
        Poco::JSON::Parser parser;
        parser.setDepth(kMaxDepth);
        const auto any = parser.parse(std::string(source));
        if (any.type() != typeid(Object::Ptr))
            return Error(Code::Invalid, std::string(what) + " is no JSON object");
        return read(any.extract<Object::Ptr>());
    } catch (const Poco::Exception& e) {
        return Error(Code::Invalid, std::string(what) + ": " + e.displayText());
    }
}

report::FaultTimes read_faults(const Object::Ptr& o) {
    report::FaultTimes t;
    const auto time = [](const Object::Ptr& from, const char* key) {
        return nanoseconds(need<Poco::Int64>(from, key));
    };
    t.faults = need<Poco::UInt64>(o, "count");
    t.blocked = time(o, "blocked_ns");
    t.mean = time(o, "mean_ns");
    t.p50 = time(o, "p50_ns");
    t.p99 = time(o, "p99_ns");
    if (const auto list = o->getArray("histogram_us"))
        for (const auto& n : *list)
            t.histogram_us.push_back(n.convert<Poco::UInt64>());
    each(o, "threads", [&](const Object::Ptr& thread) {
        t.threads.push_back({need<std::string>(thread, "name"), need<Poco::UInt64>(thread, "count"),
                             time(thread, "blocked_ns")});
    });
    return t;
}

report::CopyProgress read_copy(const Object::Ptr& o) {
    report::CopyProgress c;
    c.done = need<Poco::UInt64>(o, "bytes_done");
    c.total = need<Poco::UInt64>(o, "bytes_total");
    c.rounds = need<Poco::UInt32>(o, "rounds");
    c.left = need<Poco::UInt64>(o, "bytes_left");
    c.rate = need<Poco::UInt64>(o, "bytes_per_second");
    c.expected = nanoseconds(need<Poco::Int64>(o, "expected_ns"));
    c.throttle = need<Poco::UInt32>(o, "throttle_percent");
    return c;
}

UpdateRecord read_record(const Object::Ptr& o) {
    UpdateRecord r;
    r.id = need<std::string>(o, "id");
    r.guest = text(o, "guest");
    r.mode = text(o, "mode");
    r.rehearsal = o->optValue<bool>("rehearsal", false); // not in records of older versions
    r.status = named<report::UpdateStatus>(o, "status", report::kUpdateStatusNames);
    if (o->has("switch_over"))
        r.switch_over = named<report::SwitchOver>(o, "switch_over", report::kSwitchOverNames);
    r.from_generation = need<Poco::UInt32>(o, "from_generation");
    r.attempt = need<Poco::UInt32>(o, "attempt");
    r.from_version = text(o, "from_version");
    r.to_version = text(o, "to_version");
    r.from_pid = need<Poco::Int32>(o, "from_pid");
    r.to_pid = need<Poco::Int32>(o, "to_pid");
    r.began_at = need<Poco::Int64>(o, "began_at");
    r.ended_at = need<Poco::Int64>(o, "ended_at");
    const auto phases = [&o](const std::string& key, std::vector<report::PhaseTime>& to) {
        each(o, key, [&to](const Object::Ptr& p) {
            to.push_back({named<report::Phase>(p, "phase", report::kPhaseNames),
                          nanoseconds(need<Poco::Int64>(p, "began_ns")),
                          nanoseconds(need<Poco::Int64>(p, "ended_ns"))});
        });
    };
    phases("phases", r.phases);
    if (o->has("successor_phases")) // not in records of older versions
        phases("successor_phases", r.successor_phases);
    if (o->has("warnings"))
        r.warnings = words(o, "warnings");
    if (o->has("copy")) // where the mode told of one
        r.copy = read_copy(child(o, "copy"));
    r.ram_bytes_copied = need<Poco::UInt64>(o, "ram_bytes_copied");
    r.ram_bytes_left = o->optValue<Poco::UInt64>("ram_bytes_left", 0); // where there is a fetch
    if (o->has("faults"))
        r.faults = read_faults(child(o, "faults"));
    r.state_bytes = need<Poco::UInt64>(o, "state_bytes");
    r.requests_in_flight = o->optValue<Poco::UInt64>("requests_in_flight", 0); // nor this
    r.blackout = nanoseconds(need<Poco::Int64>(o, "blackout_ns"));
    r.unanswered = nanoseconds(o->optValue<Poco::Int64>("unanswered_ns", 0));
    if (!o->isNull("error"))
        r.error = error_of(child(o, "error"), "what");
    r.key = text(o, "idempotency_key");
    r.request_digest = text(o, "request_digest");
    return r;
}

report::Verdict read_verdict(const Object::Ptr& o) {
    report::Verdict v;
    v.mode = need<std::string>(o, "mode");
    v.binary = text(o, "binary");
    v.from_version = text(o, "from_version");
    v.to_version = text(o, "to_version");
    each(o, "blockers", [&v](const Object::Ptr& b) { v.blockers.push_back(error_of(b, "what")); });
    v.warnings = words(o, "warnings");
    each(o, "ram", [&v](const Object::Ptr& r) {
        v.ram.push_back({need<std::string>(r, "id"), text(r, "backend"),
                         need<Poco::UInt64>(r, "bytes"), need<bool>(r, "in_place")});
    });
    for (const std::string& phase : words(o, "phases")) {
        const auto at = std::find(report::kPhaseNames.begin(), report::kPhaseNames.end(), phase);
        if (at == report::kPhaseNames.end())
            throw Poco::DataFormatException("phase '" + phase + "' is not known");
        v.phases.push_back(static_cast<report::Phase>(at - report::kPhaseNames.begin()));
    }
    const auto blackout = child(o, "blackout");
    v.blackout.samples = need<Poco::UInt64>(blackout, "samples");
    v.blackout.median = nanoseconds(need<Poco::Int64>(blackout, "median_ns"));
    v.blackout.bound = nanoseconds(need<Poco::Int64>(blackout, "bound_ns"));
    v.budget = std::chrono::microseconds(need<Poco::Int64>(blackout, "budget_us"));
    return v;
}

VmInfo read_vm(const Object::Ptr& o) {
    VmInfo vm;
    vm.name = need<std::string>(o, "name");
    vm.uuid = text(o, "uuid");
    vm.version = text(o, "version");
    vm.pid = need<Poco::Int32>(o, "pid");
    vm.generation = need<Poco::UInt32>(o, "generation");
    vm.state = named<report::RunState>(o, "state", report::kRunStateNames);
    vm.vcpus = need<Poco::UInt32>(o, "vcpus");
    vm.console = text(o, "console");
    each(o, "ram", [&vm](const Object::Ptr& r) {
        vm.ram.push_back({need<std::string>(r, "id"), text(r, "backend"),
                          need<Poco::UInt64>(r, "bytes"), need<Poco::UInt64>(r, "inode"),
                          text(r, "path"), need<Poco::UInt64>(r, "offset")});
    });
    if (o->has("balloon")) {
        const auto b = child(o, "balloon");
        vm.balloon = {need<Poco::UInt64>(b, "wanted_bytes"), need<Poco::UInt64>(b, "given_bytes")};
    }
    vm.suspend = o->optValue<bool>("suspend", false); // not of older versions
    vm.agent = text(o, "agent");
    vm.update = text(o, "update");
    return vm;
}

} // namespace

Result<VmInfo> vm_from_json(std::string_view source) {
    return parse<VmInfo>(source, "the VM's description", read_vm);
}

Result<UpdateRecord> record_from_json(std::string_view source) {
    return parse<UpdateRecord>(source, "the update's record", read_record);
}

Result<report::Verdict> verdict_from_json(std::string_view source) {
    return parse<report::Verdict>(source, "the dry run's verdict", read_verdict);
}

Result<UpdateRequest> request_from_json(std::string_view source) {
    return parse<UpdateRequest>(source, "the update request", [](const Object::Ptr& o) {
        for (const auto& key : o->getNames())
            if (key != "mode" && key != "binary" && key != "config" && key != "save" &&
                key != "rehearse" && key != "expected_generation" && key != "channel")
                throw Poco::DataFormatException("key '" + key +
                                                "' is not known; there are mode, binary, config, "
                                                "save, rehearse, expected_generation, channel");
        UpdateRequest request;
        request.mode = text(o, "mode");
        request.binary = text(o, "binary");
        request.config = text(o, "config");
        request.save = o->has("save") && need<bool>(o, "save");
        request.rehearse = o->has("rehearse") && need<bool>(o, "rehearse");
        if (o->has("expected_generation"))
            request.expected_generation = need<Poco::UInt32>(o, "expected_generation");
        request.channel = text(o, "channel");
        return request;
    });
}

Result<std::uint64_t> balloon_from_json(std::string_view source) {
    return parse<std::uint64_t>(source, "the balloon's size", [](const Object::Ptr& o) {
        for (const auto& key : o->getNames())
            if (key != "bytes")
                throw Poco::DataFormatException("key '" + key + "' is not known; there is bytes");
        return static_cast<std::uint64_t>(need<Poco::UInt64>(o, "bytes"));
    });
}

Result<bool> resolution_from_json(std::string_view source) {
    return parse<bool>(source, "the resolution", [](const Object::Ptr& o) {
        const auto runs = need<std::string>(o, "runs");
        if (o->size() != 1 || (runs != "here" && runs != "there"))
            throw Poco::DataFormatException("there is one key, runs, which is here or there");
        return runs == "here";
    });
}

Result<std::vector<UpdateRecord>> records_from_json(std::string_view source) {
    using Records = std::vector<UpdateRecord>;
    return parse<Records>(source, "the list of updates", [](const Object::Ptr& o) {
        Records all;
        each(o, "updates", [&all](const Object::Ptr& r) { all.push_back(read_record(r)); });
        return all;
    });
}

Result<std::vector<PluginInfo>> plugins_from_json(std::string_view source) {
    using Plugins = std::vector<PluginInfo>;
    return parse<Plugins>(source, "the list of plugins", [](const Object::Ptr& o) {
        Plugins all;
        each(o, "plugins", [&all](const Object::Ptr& p) {
            all.push_back({need<std::string>(p, "kind"), need<std::string>(p, "id"),
                           text(p, "version"), words(p, "uses"), text(p, "table"),
                           words(p, "needs"), words(p, "caps"), text(p, "file")});
        });
        return all;
    });
}

Error error_from_problem(std::string_view source, int http_status) {
    struct Problem {
        Error error;
    };
    auto problem = parse<Problem>(source, "the VMM's answer", [](const Object::Ptr& o) {
        return Problem{error_of(o, "detail")};
    });
    if (problem)
        return std::move(problem->error);
    return Error(Code::Internal, "the VMM answered with status " + std::to_string(http_status) +
                                     " and no problem report");
}

} // namespace segue::control
