// SPDX-License-Identifier: Apache-2.0
// service.hpp - what the control socket offers, without a word of HTTP. Implemented by vmm/main.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/report/record.hpp"
#include "core/report/verdict.hpp"

namespace segue::control {

struct RamInfo {
    std::string id, backend;
    std::uint64_t bytes = 0;
    std::uint64_t inode = 0;
    std::string path;         // where another process can open it, /proc/PID/fd/N or a file
    std::uint64_t offset = 0; // of the RAM in it
};

struct BalloonInfo {
    std::uint64_t wanted = 0, given = 0; // bytes
};

// GET /v1/vm
struct VmInfo {
    std::string name, uuid, version;
    std::int32_t pid = 0;
    std::uint32_t generation = 0;
    report::RunState state = report::RunState::Inmigrate;
    std::uint32_t vcpus = 0;
    std::string console; // "pty:/dev/pts/3", "file:/x", "stdio", "none"
    std::vector<RamInfo> ram;
    bool suspend = false; // its hardware offers suspend to RAM
    std::string agent;    // socket of its guest agent's port; empty: none
    std::optional<BalloonInfo> balloon;
    std::string update; // id of the update in progress or of the last one; empty: none yet
};

// GET /v1/plugins: one that this VMM has open.
struct PluginInfo {
    std::string kind, id, version;
    std::vector<std::string> uses;        // "main", "ram0": what the configuration chose it for
    std::string table;                    // id of its ABI table, "segue.transport.draft/1"
    std::vector<std::string> needs, caps; // ids of host services; names of its table's bits
    std::string file;
};

// POST /v1/updates; empty: what the configuration says.
struct UpdateRequest {
    std::string mode;
    std::string binary;                    // path
    std::string config;                    // path
    bool save = false;                     // the guest rests in its state, until somebody starts it
    bool rehearse = false;                 // all but the change of hands; the guest stays here
    std::uint32_t expected_generation = 0; // 0: whichever it is
    std::string channel = {}; // where a VMM on another host waits: "tcp:192.0.2.2:4444"

    // Not of the body. The client's name for this request: sent again, it is the same update.
    std::string key = {};
    // The peer is of our own user, or root. Others may choose among what the configuration has,
    // not bring programs and files of their own.
    bool from_owner = true;
};

// Every call may come from any thread, several at a time.
class Service {
public:
    virtual ~Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    virtual VmInfo vm() = 0;
    virtual Status pause() = 0; // EXISTS while an update is running
    virtual Status resume() = 0;
    virtual Status wakeup() = 0; // REFUSED where it is not suspended; EXISTS as with pause()
    // Presses the power button, which wakes a guest that is suspended; REFUSED where nobody
    // listens.
    virtual Status shutdown() = 0;
    // How much of its RAM the guest is to give back, in all. UNSUPPORTED without a balloon.
    virtual Status set_balloon(std::uint64_t bytes) = 0;
    virtual Status quit() = 0; // ends guest and VMM; the answer may still be sent
    virtual Result<report::UpdateRecord> start_update(const UpdateRequest& request) = 0;
    // Whether that request could be done, and how it would go; nothing is touched. Takes seconds.
    virtual Result<report::Verdict> preflight(const UpdateRequest& request) = 0;
    virtual Result<report::UpdateRecord> update(const std::string& id) = 0;
    // Of this guest, by whichever generation; newest first, at most `limit`.
    virtual std::vector<report::UpdateRecord> updates(std::size_t limit) = 0;
    virtual std::vector<PluginInfo> plugins() = 0;
    // OK: it is being cancelled, or was; REFUSED "too late".
    virtual Status cancel_update() = 0;
    // The update in progress is to let the guest run on the new side now, its RAM to come later.
    // REFUSED where its mode cannot; NOT_FOUND where none is running; done already: OK.
    virtual Status switch_now() = 0;
    // Where the connection to the other host is lost and the guest depends on both: it is reached
    // at `channel` now. REFUSED where none is lost; `from_owner` as with an update.
    virtual Status recover(const std::string& channel, bool from_owner) = 0;
    // Where a switch-over between two hosts is in doubt: whether the guest is to run here, else on
    // the other one. REFUSED where nothing is in doubt.
    virtual Status resolve(bool here) = 0;

protected:
    Service() = default;
};

} // namespace segue::control
