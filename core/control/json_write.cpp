// SPDX-License-Identifier: Apache-2.0
// json_write.cpp - values as JSON text.
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <sstream>

#include "core/base/utf8.hpp"
#include "core/control/json.hpp"

namespace segue::control {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;
using report::PhaseTime;
using report::UpdateRecord;

Object::Ptr object() {
    return new Object(Poco::JSON_PRESERVE_KEY_ORDER);
}

std::string text_of(const Object::Ptr& o) {
    std::ostringstream out;
    o->stringify(out, 0);
    return out.str();
}

Object::Ptr error_object(const Error& error) {
    auto o = object();
    o->set("code", name_of(error.code()));
    o->set("what", to_utf8(error.what()));
    o->set("way_out", to_utf8(error.way_out()));
    auto details = object();
    for (const auto& [key, value] : error.details())
        details->set(to_utf8(key), to_utf8(value));
    o->set("details", details);
    return o;
}

Array::Ptr array_of(const std::vector<std::string>& words) {
    Array::Ptr list = new Array;
    for (const auto& word : words)
        list->add(to_utf8(word));
    return list;
}

Array::Ptr array_of(const std::vector<PhaseTime>& phases) {
    Array::Ptr list = new Array;
    for (const PhaseTime& phase : phases) {
        auto p = object();
        p->set("phase", report::name_of(phase.phase));
        p->set("began_ns", static_cast<Poco::Int64>(phase.began.count()));
        p->set("ended_ns", static_cast<Poco::Int64>(phase.ended.count()));
        list->add(p);
    }
    return list;
}

Object::Ptr object_of(const report::CopyProgress& c) {
    auto o = object();
    o->set("bytes_done", static_cast<Poco::UInt64>(c.done));
    o->set("bytes_total", static_cast<Poco::UInt64>(c.total));
    o->set("rounds", c.rounds);
    o->set("bytes_left", static_cast<Poco::UInt64>(c.left));
    o->set("bytes_per_second", static_cast<Poco::UInt64>(c.rate));
    o->set("expected_ns", static_cast<Poco::Int64>(c.expected.count()));
    o->set("throttle_percent", c.throttle);
    return o;
}

Object::Ptr object_of(const report::FaultTimes& t) {
    auto o = object();
    o->set("count", static_cast<Poco::UInt64>(t.faults));
    o->set("blocked_ns", static_cast<Poco::Int64>(t.blocked.count()));
    o->set("mean_ns", static_cast<Poco::Int64>(t.mean.count()));
    o->set("p50_ns", static_cast<Poco::Int64>(t.p50.count()));
    o->set("p99_ns", static_cast<Poco::Int64>(t.p99.count()));
    Array::Ptr histogram = new Array;
    for (const std::uint64_t n : t.histogram_us)
        histogram->add(static_cast<Poco::UInt64>(n));
    o->set("histogram_us", histogram);
    Array::Ptr threads = new Array;
    for (const report::FaultTimes::Thread& thread : t.threads) {
        auto one = object();
        one->set("name", to_utf8(thread.name));
        one->set("count", static_cast<Poco::UInt64>(thread.faults));
        one->set("blocked_ns", static_cast<Poco::Int64>(thread.blocked.count()));
        threads->add(one);
    }
    o->set("threads", threads);
    return o;
}

Object::Ptr record_object(const UpdateRecord& r) {
    auto o = object();
    o->set("id", to_utf8(r.id));
    o->set("guest", to_utf8(r.guest));
    o->set("mode", to_utf8(r.mode));
    o->set("rehearsal", r.rehearsal);
    o->set("status", report::name_of(r.status));
    if (r.switch_over != report::SwitchOver::None)
        o->set("switch_over", report::name_of(r.switch_over));
    o->set("from_generation", r.from_generation);
    o->set("attempt", r.attempt);
    o->set("from_version", to_utf8(r.from_version));
    o->set("to_version", to_utf8(r.to_version));
    o->set("from_pid", r.from_pid);
    o->set("to_pid", r.to_pid);
    o->set("began_at", static_cast<Poco::Int64>(r.began_at));
    o->set("ended_at", static_cast<Poco::Int64>(r.ended_at));
    o->set("phases", array_of(r.phases));
    o->set("successor_phases", array_of(r.successor_phases));
    if (r.copy)
        o->set("copy", object_of(*r.copy));
    o->set("ram_bytes_copied", static_cast<Poco::UInt64>(r.ram_bytes_copied));
    if (report::has_phase(r, report::Phase::Fetch))
        o->set("ram_bytes_left", static_cast<Poco::UInt64>(r.ram_bytes_left));
    if (r.faults)
        o->set("faults", object_of(*r.faults));
    o->set("requests_in_flight", static_cast<Poco::UInt64>(r.requests_in_flight));
    o->set("state_bytes", static_cast<Poco::UInt64>(r.state_bytes));
    o->set("blackout_ns", static_cast<Poco::Int64>(r.blackout.count()));
    o->set("unanswered_ns", static_cast<Poco::Int64>(r.unanswered.count()));
    o->set("warnings", array_of(r.warnings));
    if (r.error)
        o->set("error", error_object(*r.error));
    else
        o->set("error", Poco::Dynamic::Var());
    if (!r.key.empty()) {
        o->set("idempotency_key", to_utf8(r.key));
        o->set("request_digest", to_utf8(r.request_digest));
    }
    return o;
}

} // namespace

std::string to_json(const VmInfo& vm) {
    auto o = object();
    o->set("name", to_utf8(vm.name));
    o->set("uuid", to_utf8(vm.uuid));
    o->set("version", to_utf8(vm.version));
    o->set("pid", vm.pid);
    o->set("generation", vm.generation);
    o->set("state", report::name_of(vm.state));
    o->set("vcpus", vm.vcpus);
    o->set("console", to_utf8(vm.console));
    Array::Ptr ram = new Array;
    for (const auto& block : vm.ram) {
        auto r = object();
        r->set("id", to_utf8(block.id));
        r->set("backend", to_utf8(block.backend));
        r->set("bytes", static_cast<Poco::UInt64>(block.bytes));
        r->set("inode", static_cast<Poco::UInt64>(block.inode));
        r->set("path", to_utf8(block.path));
        r->set("offset", static_cast<Poco::UInt64>(block.offset));
        ram->add(r);
    }
    o->set("ram", ram);
    if (vm.balloon) {
        auto b = object();
        b->set("wanted_bytes", static_cast<Poco::UInt64>(vm.balloon->wanted));
        b->set("given_bytes", static_cast<Poco::UInt64>(vm.balloon->given));
        o->set("balloon", b);
    }
    o->set("suspend", vm.suspend);
    o->set("agent", to_utf8(vm.agent));
    o->set("update", to_utf8(vm.update));
    return text_of(o);
}

std::string to_json(const UpdateRecord& record) {
    return text_of(record_object(record));
}

std::string to_json(const std::vector<UpdateRecord>& records) {
    Array::Ptr list = new Array;
    for (const auto& record : records)
        list->add(record_object(record));
    auto o = object();
    o->set("updates", list);
    return text_of(o);
}

std::string to_json(const report::Verdict& v) {
    auto o = object();
    o->set("possible", v.blockers.empty());
    o->set("mode", to_utf8(v.mode));
    o->set("binary", to_utf8(v.binary));
    o->set("from_version", to_utf8(v.from_version));
    o->set("to_version", to_utf8(v.to_version));
    Array::Ptr blockers = new Array;
    for (const Error& e : v.blockers)
        blockers->add(error_object(e));
    o->set("blockers", blockers);
    o->set("warnings", array_of(v.warnings));
    Array::Ptr ram = new Array;
    for (const auto& block : v.ram) {
        auto r = object();
        r->set("id", to_utf8(block.id));
        r->set("backend", to_utf8(block.backend));
        r->set("bytes", static_cast<Poco::UInt64>(block.bytes));
        r->set("in_place", block.in_place);
        ram->add(r);
    }
    o->set("ram", ram);
    Array::Ptr phases = new Array;
    for (const report::Phase phase : v.phases)
        phases->add(report::name_of(phase));
    o->set("phases", phases);
    auto blackout = object();
    blackout->set("known", v.blackout.known());
    blackout->set("samples", static_cast<Poco::UInt64>(v.blackout.samples));
    blackout->set("median_ns", static_cast<Poco::Int64>(v.blackout.median.count()));
    blackout->set("bound_ns", static_cast<Poco::Int64>(v.blackout.bound.count()));
    blackout->set("budget_us", static_cast<Poco::Int64>(v.budget.count()));
    o->set("blackout", blackout);
    return text_of(o);
}

std::string to_json(const std::vector<PluginInfo>& plugins) {
    Array::Ptr list = new Array;
    for (const auto& plugin : plugins) {
        auto p = object();
        p->set("kind", to_utf8(plugin.kind));
        p->set("id", to_utf8(plugin.id));
        p->set("version", to_utf8(plugin.version));
        p->set("uses", array_of(plugin.uses));
        p->set("table", to_utf8(plugin.table));
        p->set("needs", array_of(plugin.needs));
        p->set("caps", array_of(plugin.caps));
        p->set("file", to_utf8(plugin.file));
        list->add(p);
    }
    auto o = object();
    o->set("plugins", list);
    return text_of(o);
}

std::string to_json(const UpdateRequest& request) {
    auto o = object();
    o->set("mode", to_utf8(request.mode));
    o->set("binary", to_utf8(request.binary));
    o->set("config", to_utf8(request.config));
    if (request.save)
        o->set("save", true);
    if (request.rehearse)
        o->set("rehearse", true);
    if (request.expected_generation != 0)
        o->set("expected_generation", request.expected_generation);
    if (!request.channel.empty())
        o->set("channel", to_utf8(request.channel));
    return text_of(o);
}

std::string balloon_to_json(std::uint64_t bytes) {
    auto o = object();
    o->set("bytes", static_cast<Poco::UInt64>(bytes));
    return text_of(o);
}

std::string resolution_to_json(bool here) {
    auto o = object();
    o->set("runs", here ? "here" : "there");
    return text_of(o);
}

std::string to_problem(const Error& error, int http_status) {
    auto o = object();
    const std::string code = name_of(error.code());
    o->set("type", "urn:segue:problem:" + code);
    o->set("title", code);
    o->set("status", http_status);
    o->set("detail", to_utf8(error.what()));
    o->set("code", code);
    o->set("way_out", to_utf8(error.way_out()));
    o->set("phase", error.detail("phase"));
    o->set("details", error_object(error)->get("details"));
    return text_of(o);
}

} // namespace segue::control
