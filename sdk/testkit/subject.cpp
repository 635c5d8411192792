// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/subject.hpp"

#include <dlfcn.h>
#include <stdlib.h>

#include <cstring>

namespace segue::testkit {

namespace {

constexpr unsigned char kUntouched = 0x5a;

constexpr const char* status_names[] = {
    "OK",        "AGAIN",  "CANCELLED",   "DEADLINE", "PHASE",  "PAUSED",  "REFUSED", "INVALID",
    "NOT_FOUND", "EXISTS", "UNSUPPORTED", "IO",       "CLOSED", "CORRUPT", "INTERNAL"};

// What a draft of another number, or the promised id, comes to: "segue.transport".
std::string stem(const std::string& id) {
    return id.substr(0, std::min(id.find(".draft/"), id.find('/')));
}

// A kind that this SDK has in another revision; NULL where it has none.
const Kind* relative_of(const std::string& id) {
    for (const Kind& k : kinds())
        if (stem(k.table_id) == stem(id))
            return &k;
    return nullptr;
}

Error unknown_kind(const segue_info& i) {
    const std::string kind = i.kind;
    const Kind* now = relative_of(kind);
    return broke(
        "plugin '" + std::string(i.id) + "' is of kind '" + kind + "', which this SDK " +
            (now != nullptr ? "has as '" + std::string(now->table_id) + "'" : "does not know"),
        rules::drafts);
}

} // namespace

std::string Answer::text() const {
    return std::string(status_names[status]) + (what.empty() ? "" : ": " + what) +
           (way_out.empty() ? "" : " (" + way_out + ")");
}

Subject::Errors::Errors() {
    std::memset(room_, kUntouched, sizeof room_);
    const segue_error empty = {sizeof(segue_error), 0, 0, 0, {}, {}};
    std::memcpy(room_, &empty, sizeof empty);
}

bool Subject::Errors::overrun() const {
    for (std::size_t i = sizeof(segue_error); i < sizeof room_; ++i)
        if (static_cast<unsigned char>(room_[i]) != kUntouched)
            return true;
    return false;
}

Subject::Subject(const Request& request, std::string dir, Trace& trace)
    : request_(request)
    , dir_(std::move(dir))
    , trace_(trace)
    , settings_before_(settings())
    , host_(trace) {}

Status Subject::check_entry() {
    if (entry_->entry_rev != SEGUE_ENTRY_REVISION)
        return broke("its entry is of revision " + std::to_string(entry_->entry_rev) +
                         ", and this SDK's is " + std::to_string(SEGUE_ENTRY_REVISION),
                     rules::one_entry);
    if (entry_->size < sizeof(segue_plugin) || entry_->open == nullptr ||
        entry_->close == nullptr || entry_->table == nullptr)
        return broke("its entry is not whole", rules::one_entry);
    const segue_info* i = entry_->info;
    if (i == nullptr || i->size < sizeof(segue_info) || i->kind == nullptr || i->id == nullptr)
        return broke("it does not describe itself", rules::info);
    kind_ = kind_of(i->kind);
    if (kind_ == nullptr)
        return unknown_kind(*i);
    host_.offer(*kind_, i->needs);
    return {};
}

Status Subject::load() {
    const std::unique_ptr<char, decltype(&::free)> real(::realpath(request_.file.c_str(), nullptr),
                                                        ::free);
    if (!real)
        return Error::from_errno(errno, "open " + request_.file);
    void* library = nullptr;
    trace_.doing("its constructors, while it is loaded");
    try {
        library = ::dlopen(real.get(), RTLD_NOW | RTLD_LOCAL);
    } catch (...) {
        return broke("a static constructor let an exception out", rules::never_throws);
    }
    if (library == nullptr)
        return broke(std::string("it cannot be loaded: ") + ::dlerror(), rules::one_entry);
    entry_ = static_cast<const segue_plugin*>(::dlsym(library, SEGUE_ENTRY_SYMBOL));
    if (entry_ == nullptr)
        return broke("it exports no " SEGUE_ENTRY_SYMBOL, rules::one_entry);
    return check_entry();
}

Status Subject::open() {
    SEGUE_TRY(must("open", "open() succeeds on a host that has what the plugin needs",
                   [&](segue_error* e) { return entry_->open(host_.abi(), e); }));
    call_void("table", [&] { table_ = entry_->table(kind_->table_id); });
    SEGUE_TRY(verdict());
    if (table_ == nullptr)
        return broke("table(\"" + std::string(kind_->table_id) + "\") is NULL", rules::tables);
    return {};
}

void Subject::close() {
    call_void("close", [&] { entry_->close(); });
}

Result<const Values*> Subject::values() {
    if (!values_) {
        SEGUE_ASSIGN(values_, Values::read(info(), request_.options, dir_));
    }
    return &*values_;
}

Result<Answer> Subject::judge(const char* function, std::optional<segue_status> status, Errors& e) {
    const std::string name = std::string(function) + "()";
    if (!status)
        return broke(name + " let an exception out, across the C ABI", rules::never_throws);
    if (*status < SEGUE_OK || *status > SEGUE_INTERNAL)
        return broke(name + " answered " + std::to_string(*status) + ", which is no status",
                     rules::statuses);
    const segue_error& raw = *e.get();
    if (e.overrun())
        return broke(name + " wrote behind the end of the caller's segue_error", rules::errors);
    if (::strnlen(raw.what, sizeof raw.what) == sizeof raw.what ||
        ::strnlen(raw.way_out, sizeof raw.way_out) == sizeof raw.way_out)
        return broke(name + " left an error's text without an end", rules::errors);
    if (*status == SEGUE_OK)
        return Answer{};
    return Answer{*status, raw.what, raw.way_out};
}

void Subject::threw(const char* function) noexcept {
    keep(broke(std::string(function) + "() let an exception out, across the C ABI",
               rules::never_throws));
}

} // namespace segue::testkit
