// SPDX-License-Identifier: Apache-2.0
// host.hpp - the host, as a plugin written in C++ sees it: services by id, its keys, a log line.
#pragma once

#include <cstdint>
#include <string>

#include <segue/abi/config.h>
#include <segue/abi/entry.h>
#include <segue/abi/log.h>
#include <segue/cpp/result.hpp>

namespace segue {

// Services of the host; may be copied, lives as long as the plugin is open. [any]
class Host {
public:
    explicit Host(const segue_host* host)
        : host_(host) {}

    // The function table, or NULL where this host has none of that id.
    template <class Table>
    const Table* service(const char* id) const {
        return static_cast<const Table*>(host_->service(host_->h, id));
    }

    // `level`: SEGUE_LOG_*. Nothing happens where the host keeps no log.
    void log(std::uint32_t level, const std::string& line) const {
        if (const auto* s = service<segue_host_log>(SEGUE_LOG_ID))
            s->write(s->h, level, line.c_str());
    }

    // Calls `f(segue_error*)` and turns what it answers into a Status.
    template <class F>
    static Status call(F f) {
        segue_error e = {};
        e.size = sizeof e;
        const segue_status s = f(&e);
        if (s == SEGUE_OK)
            return {};
        return Error::from_abi(s, e);
    }

private:
    const segue_host* host_;
};

// One instance's keys, checked by the schema beforehand; NotFound for a key that was left out and
// has no default. Valid during create() only. [main, update]
class Config {
public:
    Config(const segue_config* config, const segue_host* host)
        : config_(config)
        , table_(Host(host).service<segue_host_config>(SEGUE_CONFIG_ID)) {}

    Result<std::string> text(const char* key) const {
        const char* value = nullptr;
        SEGUE_TRY(read(key, [&] { return table_->text(config_, key, &value); }));
        return std::string(value);
    }
    // UINT as it stands, SIZE in bytes, DURATION in microseconds.
    Result<std::uint64_t> number(const char* key) const {
        std::uint64_t value = 0;
        SEGUE_TRY(read(key, [&] { return table_->number(config_, key, &value); }));
        return value;
    }
    Result<bool> flag(const char* key) const {
        std::uint32_t value = 0;
        SEGUE_TRY(read(key, [&] { return table_->flag(config_, key, &value); }));
        return value != 0;
    }

private:
    template <class F>
    Status read(const char* key, F f) const {
        if (table_ == nullptr)
            return Error(Code::Unsupported, "the host has no service " SEGUE_CONFIG_ID);
        const segue_status s = f();
        if (s == SEGUE_OK)
            return {};
        return Error(s == SEGUE_NOT_FOUND ? Code::NotFound : Code::Invalid,
                     std::string("option '") + key +
                         (s == SEGUE_NOT_FOUND ? "' is not set" : "' is not of that type"))
            .way_out(std::string("set '") + key + "' in the plugin's options");
    }

    const segue_config* config_;
    const segue_host_config* table_;
};

} // namespace segue
