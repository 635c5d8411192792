// SPDX-License-Identifier: Apache-2.0
#include "core/control/json.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "core/base/utf8.hpp"

namespace segue::control {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;
using report::PhaseTime;
using report::UpdateRecord;
using std::chrono::nanoseconds;

constexpr int kMaxDepth = 8;

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
    Error error(code_of(text(o, "code")), text(o, what_key));
    static_cast<void>(std::move(error).way_out(text(o, "way_out"))); // in place
    if (const auto details = o->getObject("details"); !details.isNull())
        for (const auto& key : details->getNames())
            static_cast<void>(std::move(error).with(key, text(details, key)));
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

UpdateRecord read_record(const Object::Ptr& o) {
    UpdateRecord r;
    r.id = need<std::string>(o, "id");
    r.mode = text(o, "mode");
    r.status = named<report::UpdateStatus>(o, "status", report::kUpdateStatusNames);
    r.from_generation = need<Poco::UInt32>(o, "from_generation");
    r.attempt = need<Poco::UInt32>(o, "attempt");
    r.from_version = text(o, "from_version");
    r.to_version = text(o, "to_version");
    r.from_pid = need<Poco::Int32>(o, "from_pid");
    r.to_pid = need<Poco::Int32>(o, "to_pid");
    r.began_at = need<Poco::Int64>(o, "began_at");
    r.ended_at = need<Poco::Int64>(o, "ended_at");
    each(o, "phases", [&r](const Object::Ptr& p) {
        r.phases.push_back({named<report::Phase>(p, "phase", report::kPhaseNames),
                            nanoseconds(need<Poco::Int64>(p, "began_ns")),
                            nanoseconds(need<Poco::Int64>(p, "ended_ns"))});
    });
    r.ram_bytes_copied = need<Poco::UInt64>(o, "ram_bytes_copied");
    r.state_bytes = need<Poco::UInt64>(o, "state_bytes");
    r.blackout = nanoseconds(need<Poco::Int64>(o, "blackout_ns"));
    r.unanswered = nanoseconds(o->optValue<Poco::Int64>("unanswered_ns", 0));
    if (!o->isNull("error"))
        r.error = error_of(child(o, "error"), "what");
    return r;
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
    vm.update = text(o, "update");
    return vm;
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
    o->set("update", to_utf8(vm.update));
    return text_of(o);
}

std::string to_json(const UpdateRecord& r) {
    auto o = object();
    o->set("id", to_utf8(r.id));
    o->set("mode", to_utf8(r.mode));
    o->set("status", report::name_of(r.status));
    o->set("from_generation", r.from_generation);
    o->set("attempt", r.attempt);
    o->set("from_version", to_utf8(r.from_version));
    o->set("to_version", to_utf8(r.to_version));
    o->set("from_pid", r.from_pid);
    o->set("to_pid", r.to_pid);
    o->set("began_at", static_cast<Poco::Int64>(r.began_at));
    o->set("ended_at", static_cast<Poco::Int64>(r.ended_at));
    Array::Ptr phases = new Array;
    for (const PhaseTime& phase : r.phases) {
        auto p = object();
        p->set("phase", report::name_of(phase.phase));
        p->set("began_ns", static_cast<Poco::Int64>(phase.began.count()));
        p->set("ended_ns", static_cast<Poco::Int64>(phase.ended.count()));
        phases->add(p);
    }
    o->set("phases", phases);
    o->set("ram_bytes_copied", static_cast<Poco::UInt64>(r.ram_bytes_copied));
    o->set("state_bytes", static_cast<Poco::UInt64>(r.state_bytes));
    o->set("blackout_ns", static_cast<Poco::Int64>(r.blackout.count()));
    o->set("unanswered_ns", static_cast<Poco::Int64>(r.unanswered.count()));
    if (r.error)
        o->set("error", error_object(*r.error));
    else
        o->set("error", Poco::Dynamic::Var());
    return text_of(o);
}

std::string to_json(const UpdateRequest& request) {
    auto o = object();
    o->set("mode", to_utf8(request.mode));
    o->set("binary", to_utf8(request.binary));
    o->set("config", to_utf8(request.config));
    if (request.save)
        o->set("save", true);
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

Result<VmInfo> vm_from_json(std::string_view source) {
    return parse<VmInfo>(source, "the VM's description", read_vm);
}

Result<UpdateRecord> record_from_json(std::string_view source) {
    return parse<UpdateRecord>(source, "the update's record", read_record);
}

Result<UpdateRequest> request_from_json(std::string_view source) {
    return parse<UpdateRequest>(source, "the update request", [](const Object::Ptr& o) {
        for (const auto& key : o->getNames())
            if (key != "mode" && key != "binary" && key != "config" && key != "save")
                throw Poco::DataFormatException(
                    "key '" + key + "' is not known; there are mode, binary, config, save");
        return UpdateRequest{text(o, "mode"), text(o, "binary"), text(o, "config"),
                             o->has("save") && need<bool>(o, "save")};
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
