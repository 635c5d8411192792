// SPDX-License-Identifier: Apache-2.0
// subject.hpp - the plugin under test, in the child of one case: loaded, opened, called.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <segue/abi/entry.h>
#include <segue/testkit/check.hpp>

#include "sdk/testkit/case.hpp"
#include "sdk/testkit/child.hpp"
#include "sdk/testkit/fake_host.hpp"
#include "sdk/testkit/kinds.hpp"
#include "sdk/testkit/surroundings.hpp"
#include "sdk/testkit/values.hpp"

namespace segue::testkit {

// What a function of a plugin answered.
struct Answer {
    segue_status status = SEGUE_OK;
    std::string what, way_out;

    bool ok() const { return status == SEGUE_OK; }
    bool again() const { return status == SEGUE_AGAIN; }
    // "REFUSED: why"
    std::string text() const;
};

class Subject {
public:
    Subject(const Request& request, std::string dir, Trace& trace);
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;

    // Each once, in this order.
    Status load();
    Status open();
    void close();

    const Request& request() const { return request_; }
    const std::string& dir() const { return dir_; } // an empty folder
    const segue_plugin& entry() const { return *entry_; }
    const segue_info& info() const { return *entry_->info; }
    const Kind& kind() const { return *kind_; }
    FakeHost& host() { return host_; }
    const Surroundings& settings_before() const { return settings_before_; } // it was loaded
    template <class Table>
    const Table& table() const {
        return *static_cast<const Table*>(table_);
    }
    const void* raw_table() const { return table_; }
    // The options of this request, over the defaults: the same for every instance of a case.
    Result<const Values*> values();
    // What stands for something new is so once more.
    void renew_values() { values_.reset(); }

    // Calls `f(segue_error*)`, which calls `function` of the plugin: what it throws, and a status
    // or a text that is none, is a failure.
    template <class F>
    Result<Answer> call(const char* function, F f) {
        Errors e;
        std::optional<segue_status> status;
        trace_.doing(function);
        try {
            status = f(e.get());
        } catch (...) { // NOLINT(bugprone-empty-catch): said below
        }
        return judge(function, status, e);
    }
    // The same for a function without a status; what it throws is kept for verdict().
    template <class F>
    void call_void(const char* function, F f) noexcept {
        trace_.doing(function);
        try {
            f();
        } catch (...) {
            threw(function);
        }
    }
    // An answer that must be OK, and what the ABI says about that.
    template <class F>
    Status must(const char* function, const char* rule, F f) {
        SEGUE_ASSIGN(const Answer a, call(function, f));
        if (a.ok())
            return {};
        return broke(std::string(function) + "() answered " + a.text(), rule);
    }

    // create() with this request's options; the table's create has its usual form.
    template <class Table>
    Result<void*> create() {
        const auto& t = table<Table>();
        return create_with([&](const segue_config* c, void** self, segue_error* e) {
            return t.create(c, host_.abi(), self, e);
        });
    }
    template <class F>
    Result<void*> create_with(F create) {
        SEGUE_ASSIGN(const Values* v, values());
        void* self = nullptr;
        SEGUE_TRY(must("create", "create() makes an instance for options that the schema allows",
                       [&](segue_error* e) { return create(v->abi(), &self, e); }));
        if (self == nullptr)
            return broke("create() answered OK and gave no instance", rules::tables);
        return self;
    }

    // Ok, or the first thing that went wrong where nobody could be told.
    Status verdict() const { return late_ ? Status(*late_) : Status(); }
    void keep(Error e) {
        if (!late_)
            late_ = std::move(e);
    }

private:
    // A segue_error with room behind it that a plugin must not touch.
    class Errors {
    public:
        Errors();
        segue_error* get() { return reinterpret_cast<segue_error*>(room_); }
        bool overrun() const;

    private:
        alignas(segue_error) char room_[sizeof(segue_error) + 64];
    };

    Result<Answer> judge(const char* function, std::optional<segue_status> status, Errors& e);
    void threw(const char* function) noexcept;
    Status check_entry();

    const Request& request_;
    std::string dir_;
    Trace& trace_;
    Surroundings settings_before_;
    FakeHost host_;
    const segue_plugin* entry_ = nullptr;
    const Kind* kind_ = nullptr;
    const void* table_ = nullptr;
    std::optional<Values> values_;
    std::optional<Error> late_;
};

// One instance; ends at its end.
template <class Table>
class Instance {
public:
    static Result<Instance> make(Subject& s) {
        SEGUE_ASSIGN(void* self, s.create<Table>());
        return Instance(s, self);
    }
    Instance(Subject& s, void* self)
        : s_(&s)
        , self_(self) {}
    Instance(Instance&& o) noexcept
        : s_(o.s_)
        , self_(std::exchange(o.self_, nullptr)) {}
    Instance& operator=(Instance&&) = delete;
    ~Instance() {
        if (self_ != nullptr)
            s_->call_void("destroy", [&] { table().destroy(self_); });
    }
    Subject& subject() const { return *s_; }
    const Table& table() const { return s_->table<Table>(); }
    void* self() const { return self_; }

private:
    Subject* s_;
    void* self_;
};

} // namespace segue::testkit
